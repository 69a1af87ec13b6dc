"""The cluster as the leader sees it: the last look at each node, registrations and admins' decisions laid over it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from asci_api.domain.gpu_label import LABEL, read_gpus
from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import Instance
from asci_api.domain.node import Node, NodeImage, NodeOverlay, NodeRegistration
from asci_api.domain.overlay import overlaid, unseen
from asci_api.domain.ports import Clock, Observed
from asci_api.scheduling.ledger import Holding
from asci_api.work.observe_node import NOTHING_DECIDED, Look, node_of

GRACE = 3.0
"""Seconds after a term began for which placing waits until every node was looked at once: then the silent ones count as
down."""


class ClusterView:
    """Safe for threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock()
        self._lock = threading.Lock()
        self._looks: dict[NodeName, Look] = {}
        self.changed = threading.Event()
        """Set when pages should hear of it before the next period."""

    def put(self, look: Look) -> None:
        """The last look at a node."""
        with self._lock:
            before = self._looks.get(look.node)
            self._looks[look.node] = look
        if before is None or _differs(before, look):
            self.changed.set()

    def knows(self, node: NodeName) -> bool:
        with self._lock:
            return node in self._looks

    def keep(self, nodes: Collection[NodeName]) -> None:
        """Forget what is not registered any more."""
        with self._lock:
            gone = self._looks.keys() - set(nodes)
            self._looks = {name: look for name, look in self._looks.items() if name not in gone}
        if gone:
            self.changed.set()

    def looks(self) -> list[Look]:
        with self._lock:
            return list(self._looks.values())

    def complete(self, registered: Collection[NodeName]) -> bool:
        """Whether every node was looked at once, or had its time."""
        with self._lock:
            missing = set(registered) - self._looks.keys()
        return not missing or self._clock() - self._began > GRACE

    def nodes(
        self, registered: Mapping[NodeName, NodeRegistration], overlays: Mapping[NodeName, NodeOverlay]
    ) -> list[Node]:
        """Every registered node as it counts now, without allocation."""
        with self._lock:
            looks = dict(self._looks)
        nodes = []
        for name, registration in registered.items():
            overlay = overlays.get(name, NOTHING_DECIDED)
            look = looks.get(name)
            seen = overlaid(unseen(registration), registration, overlay)
            nodes.append(seen if look is None else node_of(look, registration, overlay))
        return nodes

    def images(self) -> list[NodeImage]:
        """What environments are on the nodes, each image once."""
        found = {(image.id, image.tags, image.digest): image for look in self.looks() for image in look.images}
        return list(found.values())

    def leftovers(self, active: Iterable[Instance]) -> dict[NodeName, list[Holding]]:
        """GPUs held by containers that no record of an active instance on that node knows: whoever is placed there
        must not meet them."""
        placed = {one.id: one.placement.node for one in active if one.placement is not None}
        held: dict[NodeName, list[Holding]] = defaultdict(list)
        for look in self.looks():
            for seen in look.containers:
                if seen.status in _HOLDING and placed.get(seen.instance) != look.node and LABEL in seen.labels:
                    held[look.node].append(_held(seen))
        return held


_HOLDING = frozenset({"running", "paused", "restarting", "removing"})


def _held(seen: Observed) -> Holding:
    gpus = read_gpus(seen.labels[LABEL])
    return Holding(InstanceId(seen.instance), gpus=gpus.ids, exclusive=gpus.exclusive)


def _differs(before: Look, after: Look) -> bool:
    return (
        before.answered is not after.answered
        or before.down is not after.down
        or before.images != after.images
        or before.facts != after.facts
    )
