"""Copies durable facts to SQLite, in every controller, leading or not."""

from __future__ import annotations

import threading

from asci_api.domain.errors import Unavailable
from asci_api.domain.ports import DurableCopy
from asci_shared.logging import get_logger

_log = get_logger(__name__)


class Copying:
    """One thread that follows the changes."""

    def __init__(self, durable: DurableCopy) -> None:
        self._durable = durable
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="copy", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Copy what is there, and end."""
        self._over.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._durable.follow(0.5)
            except Unavailable as away:
                _log.warning("copy.put_off", cause=away.title)
                self._over.wait(1.0)
            except Exception:  # noqa: BLE001 -- top of a thread
                _log.exception("copy.broke")
                self._over.wait(1.0)
