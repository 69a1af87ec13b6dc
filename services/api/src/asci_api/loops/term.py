"""One term of leadership: restore if need be, then observe and reconcile until the term is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from asci_api.domain.environment import Environment
from asci_api.domain.identity import NodeName
from asci_api.domain.instance import Instance
from asci_api.domain.node import Node, NodeImage
from asci_api.domain.ports import DurableCopy, Fence, Leadership, Wakes
from asci_api.loops.observer import Observer
from asci_api.loops.reconciler import Reconciler
from asci_api.loops.workers import Workers
from asci_api.work.adopt_instance import adopt_instances
from asci_api.work.advance_instance import advance_instance
from asci_api.work.desk import Desk
from asci_api.work.observe_node import Look, node_of
from asci_api.work.place_instances import with_allocation
from asci_api.work.reap_instances import reap_orphans
from asci_api.work.settle_instances import settle_instances
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
        self._desk = desk
        self.fence = fence
        self._leadership = leadership
        self._durable = durable
        self._lock = threading.Lock()
        self._looks: dict[NodeName, Look] = {}
        self._workers = Workers(lambda instance: advance_instance(desk, instance), on_fenced=on_fenced)
        self._reconciler = Reconciler(desk, wakes, self._workers, self.nodes, on_fenced)
        self._observers = [Observer(desk, node, self.take, on_fenced) for node in desk.engines.names()]

    def begin(self) -> None:
        """Restore where the sentinel is missing, then start the loops. Raises ``Unavailable`` or ``Fenced``."""
        if not self._leadership.sentinel_stands():
            count = self._durable.restore(self.fence)
            self._leadership.raise_sentinel(self.fence)
            _log.warning("records.restored", facts=count, epoch=self.fence.epoch)
        for observer in self._observers:
            observer.start()
        self._reconciler.start()
        _log.info("term.began", epoch=self.fence.epoch, number=self.fence.number)

    def end(self) -> None:
        """Stop the loops; what is in the middle of a step meets the fence at its next write."""
        self._reconciler.stop()
        for observer in self._observers:
            observer.stop()
        self._workers.close()
        _log.info("term.ended", epoch=self.fence.epoch, number=self.fence.number)

    def nodes(self) -> list[Node] | None:
        """The nodes as last seen; None until every registered node was looked at once."""
        with self._lock:
            looks = dict(self._looks)
        if len(looks) < len(self._observers):
            return None
        return [node_of(look) for look in looks.values()]

    def take(self, look: Look) -> None:
        """What follows from a look at a node. ``pending`` is read before the records, so that an instance whose
        worker just finished is judged by its new record or not at all."""
        first = look.node not in self._looks
        with self._lock:
            self._looks[look.node] = look
        pending = self._workers.pending()
        active = self._desk.instances.active()
        settle_instances(self._desk, look, active, pending)
        adopt_instances(self._desk, look, {record.id for record in active} | pending, self._publish(active))
        reap_orphans(self._desk, look, pending)
        if first:
            _log.info("node.seen", node=look.node, answers=look.answered, containers=len(look.containers))

    def _publish(self, active: Sequence[Instance]) -> list[Environment]:
        """Write the snapshot of the nodes, and the catalogue where an engine answered; the catalogue."""
        with self._lock:
            looks = list(self._looks.values())
        nodes = [node_of(look) for look in looks]
        self._desk.cluster.put_nodes(with_allocation(nodes, active))
        if not any(look.answered for look in looks):
            return self._desk.cluster.environments() or []
        images: list[NodeImage] = [image for look in looks for image in look.images]
        environments = self._desk.read_catalogue(images)
        self._desk.cluster.put_environments(environments)
        return environments
