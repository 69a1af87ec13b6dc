"""One term of leadership: restore if need be, then observe and reconcile until the term is over."""

from __future__ import annotations

from collections.abc import Callable

from asci_api.domain.ports import DurableCopy, Fence, Leadership, Wakes
from asci_api.loops.reconciler import Reconciler
from asci_api.loops.surveyor import Surveyor
from asci_api.loops.view import ClusterView
from asci_api.loops.workers import Workers
from asci_api.work.advance_instance import advance_instance
from asci_api.work.desk import Desk
from asci_shared.logging import get_logger

_log = get_logger(__name__)


class Term:
    """Everything that only the leader does, under one fence. ``on_fenced`` is called when a write met a newer fence."""

    def __init__(
        self,
        desk: Desk,
        fence: Fence,
        leadership: Leadership,
        durable: DurableCopy,
        wakes: Wakes,
        on_fenced: Callable[[], None],
    ) -> None:
        self.fence = fence
        self._leadership = leadership
        self._durable = durable
        self._workers = Workers(lambda instance: advance_instance(desk, instance), on_fenced=on_fenced)
        self._view = ClusterView(desk.clock)
        self._surveyor = Surveyor(desk, self._view, self._workers.pending, on_fenced)
        self._reconciler = Reconciler(desk, wakes, self._workers, self._view, on_fenced)

    def begin(self) -> None:
        """Restore where the sentinel is missing, then start the loops. Raises ``Unavailable`` or ``Fenced``."""
        if not self._leadership.sentinel_stands():
            count = self._durable.restore(self.fence)
            self._leadership.raise_sentinel(self.fence)
            _log.warning("records.restored", facts=count, epoch=self.fence.epoch)
        self._surveyor.start()
        self._reconciler.start()
        _log.info("term.began", epoch=self.fence.epoch, number=self.fence.number)

    def end(self) -> None:
        """Stop the loops; what is in the middle of a step meets the fence at its next write."""
        self._reconciler.stop()
        self._surveyor.stop()
        self._workers.close()
        _log.info("term.ended", epoch=self.fence.epoch, number=self.fence.number)
