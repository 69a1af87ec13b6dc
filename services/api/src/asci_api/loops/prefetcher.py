"""Fetches images to nodes before they are asked for: one at a time for each node, few at a time in all."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from asci_api.domain.errors import AsciError
from asci_api.domain.identity import NodeName
from asci_api.work.desk import Desk
from asci_api.work.prefetch_images import Errand, prefetch
from asci_shared.logging import get_logger

AT_ONCE = 4
"""Nodes that fetch at the same moment: the registry serves people who wait, too."""
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 1800.0
"""Seconds before what failed is tried again, doubling."""
_log = get_logger(__name__)


class Prefetcher:
    """Safe for threads. Takes the errands of the moment, again and again; those in hand or failed lately are left."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="prefetch")
        self._lock = threading.Lock()
        self._busy: set[NodeName] = set()
        self._failed: dict[Errand, tuple[float, float]] = {}
        """When it may be tried again, and the pause after that."""

    def take(self, errands: Iterable[Errand]) -> None:
        """Begin with those that can be begun."""
        now = self._desk.clock()
        for errand in errands:
            with self._lock:
                if errand.node in self._busy or self._failed.get(errand, (0.0, 0.0))[0] > now:
                    continue
                self._busy.add(errand.node)
            try:
                self._pool.submit(self._run, errand)
            except RuntimeError:  # the pool is closed: this term is over
                return

    def close(self) -> None:
        """Begin nothing more; a pull that runs goes on: it harms nobody."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, errand: Errand) -> None:
        try:
            if self._desk.leads():
                prefetch(self._desk, errand)
        except AsciError as error:
            self._put_off(errand, error.title, error.detail)
        except Exception as error:  # noqa: BLE001 -- top of a thread: the next may work
            _log.exception("prefetch.broke", node=errand.node, environment=errand.environment)
            self._put_off(errand, str(error), "")
        else:
            with self._lock:
                self._failed.pop(errand, None)
        finally:
            with self._lock:
                self._busy.discard(errand.node)

    def _put_off(self, errand: Errand, cause: str, detail: str) -> None:
        with self._lock:
            pause = self._failed.get(errand, (0.0, FIRST_PAUSE))[1]
            self._failed[errand] = (self._desk.clock() + pause, min(2 * pause, LONGEST_PAUSE))
        _log.warning(
            "image.not_prefetched", node=errand.node, environment=errand.environment, cause=cause, detail=detail
        )
