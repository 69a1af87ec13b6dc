"""Copies durable facts to SQLite, in every controller, leading or not."""

from __future__ import annotations

import threading
import time

from prometheus_client import Gauge

from asci_api.domain.errors import Unavailable
from asci_api.domain.ports import DurableCopy
from asci_shared.logging import get_logger

_AGE = Gauge("asci_copy_age_seconds", "Seconds since the copy of durable facts was last known to be complete")
_PAUSE = 1.0
_log = get_logger(__name__)


class Copying:
    """One thread that follows the changes."""

    def __init__(self, durable: DurableCopy) -> None:
        self._durable = durable
        self._over = threading.Event()
        self._complete_at = time.monotonic()
        self._behind = False
        self._thread = threading.Thread(target=self._run, name="copy", daemon=True)
        _AGE.set_function(self.age)

    def age(self) -> float:
        """Seconds since the copy was last known to be complete; about 0.5 while all is well."""
        return time.monotonic() - self._complete_at

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
                self._fall_behind(away.title)
            except Exception as error:  # noqa: BLE001 -- top of a thread
                if not self._behind:
                    _log.exception("copy.broke")
                self._fall_behind(str(error))
            else:
                self._catch_up()

    def _fall_behind(self, cause: str) -> None:
        """Say it once, not at every try."""
        if not self._behind:
            _log.warning("copy.put_off", cause=cause, next_step="look at Redis and at the disk of the state volume")
        self._behind = True
        self._over.wait(_PAUSE)

    def _catch_up(self) -> None:
        if self._behind:
            _log.info("copy.goes_on", behind_seconds=round(self.age(), 1))
        self._behind = False
        self._complete_at = time.monotonic()
