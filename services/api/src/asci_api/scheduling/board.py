"""The cluster as the queue is served from it: nodes with what is allocated there, prepared for each kind of request.

Gives the placement that :func:`~asci_api.scheduling.place.place` gives, without looking at every node each time: for
each kind of request the nodes that fit stand in a heap by their score, and a placement changes one of them. Pure; one
thread.
"""

from __future__ import annotations

import heapq
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from asci_api.domain.decision import MOST_VERDICTS, NodeVerdict
from asci_api.domain.environment import GpuShare
from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import Placement
from asci_api.domain.node import Gpu, Node
from asci_api.domain.policy import Policy
from asci_api.scheduling.filters import OUT, Request, fits, matches, refusals, total_cpus, total_memory
from asci_api.scheduling.ledger import Holding, taking
from asci_api.scheduling.place import NoFit, placement_on
from asci_api.scheduling.ranking import score
from asci_api.scheduling.summary import MOST_REASONS, summed_up

MOST_SHAPES = 64
"""Kinds of requests that are kept prepared; one costs some 250 bytes for each node."""
REFUSED = 4
"""Nodes that do not fit and are told with a placement all the same."""
Entry = tuple[float, NodeName]
"""Score below zero, so that the best comes first; then the name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A placement, and what spoke for and against."""

    placement: Placement
    score: float
    verdicts: tuple[NodeVerdict, ...]
    """Best first, at most ``MOST_VERDICTS``."""


class Board:
    """See the module's docstring."""

    def __init__(self, nodes: Iterable[Node] = (), policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.nodes: dict[NodeName, Node] = {}
        self._shapes: OrderedDict[Request, _Shape] = OrderedDict()
        self._real: dict[NodeName, Node] = {}
        """Nodes on which something is reserved, without that."""
        self._opened = 0
        """Raised when something may fit that did not; what is taken raises nothing."""
        self.see(nodes, self.policy)

    def see(self, nodes: Iterable[Node], policy: Policy) -> None:
        """These are the nodes now, and what is allocated on them. Only what differs is weighed again."""
        if policy != self.policy:
            self.policy = policy
            self._shapes.clear()
        self._real.clear()
        now = {node.name: node for node in nodes}
        for gone in self.nodes.keys() - now.keys():
            self._drop(gone)
        for node in now.values():
            before = self.nodes.get(node.name)
            if before is None or not _weighs_the_same(before, node):
                self._put(node)
                self._opened += 1

    def choose(self, request: Request) -> Choice | NoFit:
        """The best node, or why there is none; reasons stand for all nodes, but are at most ``MOST_REASONS``."""
        if not self.nodes:
            return NoFit(("ASCI has not seen a node yet.",))
        shape = self._shape(request)
        best = shape.best(MOST_VERDICTS - min(REFUSED, len(shape.refused)))
        if not best:
            return shape.no_fit(self.nodes, self.policy, self._opened)
        node = self.nodes[best[0][1]]
        return Choice(placement_on(request, node), -best[0][0], self._verdicts(shape, best))

    def take(self, node: NodeName, one: Holding) -> None:
        """The instance has its place there."""
        if node in self._real:
            self._real[node] = taking(self._real[node], one)
        self._put(taking(self.nodes[node], one))

    def reserve(self, request: Request, instance: InstanceId) -> NodeName | None:
        """Keep what is free for the request where the least is missing, so that whoever comes behind does not take it;
        until :meth:`release`. The node, or None where no node could ever do."""
        could = [node for node in self.nodes.values() if matches(request, node, self.policy)]
        if not could:
            return None
        node = min(could, key=lambda each: (_missing(request, each, self.policy), each.name))
        self._real.setdefault(node.name, node)
        self._put(taking(node, _kept(request, node, instance)))
        return node.name

    def release(self) -> None:
        """Forget all reservations."""
        for node in list(self._real.values()):
            self._put(node)
            self._opened += 1
        self._real.clear()

    def _put(self, node: Node) -> None:
        self.nodes[node.name] = node
        for shape in self._shapes.values():
            shape.weigh(node, self.policy)

    def _drop(self, name: NodeName) -> None:
        del self.nodes[name]
        self._opened += 1
        for shape in self._shapes.values():
            shape.drop(name)

    def _shape(self, request: Request) -> _Shape:
        shape = self._shapes.get(request)
        if shape is None:
            shape = self._shapes[request] = _Shape(request, self.nodes.values(), self.policy)
            if len(self._shapes) > MOST_SHAPES:
                self._shapes.popitem(last=False)
        self._shapes.move_to_end(request)
        return shape

    def _verdicts(self, shape: _Shape, best: list[Entry]) -> tuple[NodeVerdict, ...]:
        fitting = [NodeVerdict(name, True, (), round(-against, 3)) for against, name in best]
        for name in heapq.nsmallest(REFUSED, shape.refused):
            against = refusals(shape.request, self.nodes[name], self.policy)
            fitting.append(NodeVerdict(name, False, tuple(each.reason for each in against), None))
        return tuple(fitting)


class _Shape:
    """All nodes, weighed for one kind of request."""

    def __init__(self, request: Request, nodes: Iterable[Node], policy: Policy) -> None:
        self.request = request
        self.standing: dict[NodeName, Entry] = {}
        self.refused: set[NodeName] = set()
        for node in nodes:
            self._weigh(node, policy)
        self._heap = list(self.standing.values())
        heapq.heapify(self._heap)
        self._told: NoFit | None = None
        self._told_at = -1

    def weigh(self, node: Node, policy: Policy) -> None:
        """The node changed."""
        before = self.standing.get(node.name)
        entry = self._weigh(node, policy)
        if entry is not None and entry != before:
            heapq.heappush(self._heap, entry)
        if len(self._heap) > 2 * len(self.standing) + 64:
            self._heap = list(self.standing.values())
            heapq.heapify(self._heap)

    def drop(self, name: NodeName) -> None:
        """The node is no more."""
        self.standing.pop(name, None)
        self.refused.discard(name)

    def best(self, count: int) -> list[Entry]:
        """Up to ``count`` nodes that fit, best first."""
        found: list[Entry] = []
        while self._heap and len(found) < count:
            entry = heapq.heappop(self._heap)
            if self.standing.get(entry[1]) == entry and (not found or found[-1] != entry):
                found.append(entry)
        for entry in found:
            heapq.heappush(self._heap, entry)
        return found

    def no_fit(self, nodes: dict[NodeName, Node], policy: Policy, opened: int) -> NoFit:
        """Why nothing fits; told anew only when it could be another reason than that more was taken."""
        if self._told is None or self._told_at != opened:
            self._told, self._told_at = _no_fit(self.request, nodes, policy), opened
        return self._told

    def _weigh(self, node: Node, policy: Policy) -> Entry | None:
        if not fits(self.request, node, policy):
            self.standing.pop(node.name, None)
            self.refused.add(node.name)
            return None
        self.refused.discard(node.name)
        entry = self.standing[node.name] = (-score(self.request, node, policy), node.name)
        return entry


def _no_fit(request: Request, nodes: dict[NodeName, Node], policy: Policy) -> NoFit:
    reasons: list[str] = []
    counts: Counter[str] = Counter()
    never, in_vain = True, True
    for node in nodes.values():
        against = refusals(request, node, policy)
        counts.update(each.filter for each in against)
        never = never and any(each.never for each in against)
        in_vain = in_vain and any(each.never or each.filter in OUT for each in against)
        if len(nodes) <= MOST_REASONS:
            reasons.append(f"{node.name}: {'; '.join(each.reason for each in against)}")
    told = tuple(reasons) or summed_up(counts, len(nodes))
    return NoFit(told, never, tuple(counts.most_common()), in_vain=in_vain and bool(request.failed))


def _missing(request: Request, node: Node, policy: Policy) -> float:
    """How much of what it needs is not free, as shares that are added up."""
    needs = request.needs
    parts = [
        _lacking(needs.cpus, total_cpus(node, policy) - node.allocated.cpus),
        _lacking(needs.memory, total_memory(node, policy) - node.allocated.memory),
    ]
    if needs.gpu is not None:
        free = sum(1 for gpu in node.gpus if (gpu.whole if needs.gpu.share is GpuShare.EXCLUSIVE else gpu.open))
        parts.append(_lacking(needs.gpu.count, free))
    if needs.whole_node or node.whole:
        parts.append(float(node.instances))
    return sum(parts)


def _lacking(wanted: float, free: float) -> float:
    return max(wanted - free, 0.0) / wanted if wanted > 0 else 0.0


def _kept(request: Request, node: Node, instance: InstanceId) -> Holding:
    """What a reservation holds: amounts, and the cards that are freest."""
    need = request.needs.gpu
    cards: list[Gpu] = []
    if need is not None and need.share is GpuShare.EXCLUSIVE:
        cards = sorted(node.gpus, key=lambda gpu: (gpu.taken, gpu.sharers, gpu.id))
    elif need is not None:
        cards = sorted((gpu for gpu in node.gpus if gpu.open), key=lambda gpu: (-gpu.sharers, gpu.id))
    ids = tuple(gpu.id for gpu in cards[: need.count if need else 0])
    return Holding.of(instance, request.needs, ids)


def _weighs_the_same(before: Node, after: Node) -> bool:
    """Whether the scheduler would say the same of both."""
    return (
        before.allocated == after.allocated
        and before.state is after.state
        and before.gpus == after.gpus
        and before.instances == after.instances
        and before.whole is after.whole
        and before.capacity == after.capacity
        and before.labels == after.labels
        and before.taints == after.taints
        and before.images == after.images
        and before.overcommit == after.overcommit
        and before.gone is after.gone
    )
