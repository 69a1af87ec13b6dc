"""Threads that advance instances: at most one at a time for each instance."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from asci_api.domain.errors import Fenced, Unavailable
from asci_api.domain.identity import InstanceId
from asci_shared.logging import get_logger

MOST_THREADS = 256
PER_LANE = 8
"""Starts that a node is asked for at once: more only make each of them slower, until calls time out."""
_log = get_logger(__name__)


class Workers:
    """Runs ``work(instance)`` on threads, at most ``per_lane`` at once in each lane (a node), so that one which hangs
    holds up no other. What is asked for while it runs is run once more after."""

    def __init__(
        self,
        work: Callable[[InstanceId], None],
        size: int = MOST_THREADS,
        on_fenced: Callable[[], None] = lambda: None,
        per_lane: int = PER_LANE,
    ) -> None:
        self._work = work
        self._on_fenced = on_fenced
        self._per_lane = per_lane
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="work")  # threads are made when they are needed
        self._lock = threading.Lock()
        self._pending: set[InstanceId] = set()
        self._again: set[InstanceId] = set()
        self._waiting: dict[str, deque[InstanceId]] = defaultdict(deque)
        self._busy: Counter[str] = Counter()

    def submit(self, instance: InstanceId, lane: str = "") -> None:
        """Have the instance looked at, now or right after the look in progress."""
        with self._lock:
            if instance in self._pending:
                self._again.add(instance)
                return
            self._pending.add(instance)
            self._waiting[lane].append(instance)
            self._begin(lane)

    def pending(self) -> frozenset[InstanceId]:
        """Instances that are being worked on, or will be."""
        with self._lock:
            return frozenset(self._pending)

    def close(self) -> None:
        """Take no more; what runs meets the fence at its next write."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, lane: str) -> None:
        """As many of a lane as may run. Under the lock."""
        waiting = self._waiting[lane]
        while waiting and self._busy[lane] < self._per_lane:
            instance = waiting.popleft()
            self._busy[lane] += 1
            try:
                self._pool.submit(self._run, instance, lane)
            except RuntimeError:  # the pool is closed: this term is over
                self._busy[lane] -= 1
                self._pending.discard(instance)
        if not waiting and not self._busy[lane]:
            del self._waiting[lane], self._busy[lane]

    def _run(self, instance: InstanceId, lane: str) -> None:
        while True:
            self._guarded(instance)
            with self._lock:
                if instance not in self._again:
                    self._pending.discard(instance)
                    self._busy[lane] -= 1
                    self._begin(lane)
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
