"""Threads that advance instances: at most one at a time for each instance."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from asci_api.domain.errors import Fenced, Unavailable
from asci_api.domain.identity import InstanceId
from asci_shared.logging import get_logger

_log = get_logger(__name__)


class Workers:
    """Runs ``work(instance)`` on up to ``size`` threads. What is asked for while it runs is run once more after."""

    def __init__(
        self, work: Callable[[InstanceId], None], size: int = 16, on_fenced: Callable[[], None] = lambda: None
    ) -> None:
        self._work = work
        self._on_fenced = on_fenced
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="work")
        self._lock = threading.Lock()
        self._pending: set[InstanceId] = set()
        self._again: set[InstanceId] = set()

    def submit(self, instance: InstanceId) -> None:
        """Have the instance looked at, now or right after the look in progress."""
        with self._lock:
            if instance in self._pending:
                self._again.add(instance)
                return
            self._pending.add(instance)
        try:
            self._pool.submit(self._run, instance)
        except RuntimeError:  # the pool is closed: this term is over
            with self._lock:
                self._pending.discard(instance)

    def pending(self) -> frozenset[InstanceId]:
        """Instances that are being worked on."""
        with self._lock:
            return frozenset(self._pending)

    def close(self) -> None:
        """Take no more; what runs meets the fence at its next write."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, instance: InstanceId) -> None:
        while True:
            self._guarded(instance)
            with self._lock:
                if instance not in self._again:
                    self._pending.discard(instance)
                    return
                self._again.discard(instance)

    def _guarded(self, instance: InstanceId) -> None:
        try:
            self._work(instance)
        except Fenced:
            self._on_fenced()
        except Unavailable as away:
            _log.warning("instance.step_put_off", instance=instance, cause=away.title)
        except Exception:  # noqa: BLE001 -- top of a thread: one bad record must not stop the others
            _log.exception("instance.step_broke", instance=instance)
