"""What instances hold on nodes: cores, bytes, GPUs, or all of it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from asci_api.domain.environment import GpuShare, Needs
from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import Instance
from asci_api.domain.node import Gpu, Node, Resources


@dataclass(frozen=True, slots=True)
class Holding:
    """What one instance has of its node."""

    instance: InstanceId
    cpus: float = 0.0
    memory: int = 0
    gpus: tuple[str, ...] = ()
    """Ids."""
    exclusive: bool = False
    """It has its GPUs for itself."""
    whole_node: bool = False

    @classmethod
    def of(cls, instance: InstanceId, needs: Needs, gpus: tuple[str, ...]) -> Holding:
        exclusive = needs.gpu is not None and needs.gpu.share is GpuShare.EXCLUSIVE
        return cls(instance, needs.cpus, needs.memory, gpus, exclusive, needs.whole_node)


Ledger = Mapping[NodeName, Sequence[Holding]]
"""Who holds what, by node."""


def ledger_of(active: Iterable[Instance]) -> dict[NodeName, list[Holding]]:
    """From the records of instances that have a place and have not ended."""
    held: dict[NodeName, list[Holding]] = defaultdict(list)
    for instance in active:
        place = instance.placement
        if place is not None and not instance.ended:
            held[place.node].append(Holding.of(instance.id, instance.needs, place.gpus))
    return held


def with_allocation(nodes: Iterable[Node], active: Iterable[Instance]) -> list[Node]:
    """The nodes with what their instances hold, summed from the records."""
    held = ledger_of(active)
    return [holding(node, held.get(node.name, ())) for node in nodes]


def holding(node: Node, held: Sequence[Holding]) -> Node:
    """The node with exactly these on it, whatever it held before."""
    if not held and node.allocated == _NOTHING and not node.instances and not node.whole:
        return node if not node.gpus else replace(node, gpus=tuple(_free(gpu) for gpu in node.gpus))
    return replace(
        node,
        allocated=Resources(
            cpus=sum(each.cpus for each in held),
            memory=sum(each.memory for each in held),
            gpus=len({gpu for each in held for gpu in each.gpus}),
        ),
        gpus=_cards(node.gpus, held),
        instances=len(held),
        whole=any(each.whole_node for each in held),
    )


def taking(node: Node, one: Holding) -> Node:
    """The node with one more on it."""
    before = node.allocated
    gpus = tuple(_taken(gpu, one) if gpu.id in one.gpus else gpu for gpu in node.gpus) if one.gpus else node.gpus
    return replace(
        node,
        allocated=Resources(
            before.cpus + one.cpus,
            before.memory + one.memory,
            sum(1 for gpu in gpus if not gpu.whole) if one.gpus else before.gpus,
        ),
        gpus=gpus,
        instances=node.instances + 1,
        whole=node.whole or one.whole_node,
    )


_NOTHING = Resources()


def _cards(cards: tuple[Gpu, ...], held: Sequence[Holding]) -> tuple[Gpu, ...]:
    by_card: dict[str, list[Holding]] = defaultdict(list)
    for each in held:
        for gpu in each.gpus:
            by_card[gpu].append(each)
    return tuple(_card(gpu, by_card.get(gpu.id, [])) for gpu in cards)


def _card(gpu: Gpu, held: Sequence[Holding]) -> Gpu:
    gpu = _free(gpu)
    for each in held:
        gpu = _taken(gpu, each)
    return gpu


def _free(gpu: Gpu) -> Gpu:
    return gpu if gpu.whole and not gpu.instances else replace(gpu, sharers=0, taken=False, instances=())


def _taken(gpu: Gpu, one: Holding) -> Gpu:
    if one.exclusive:
        return replace(gpu, taken=True, instances=(*gpu.instances, one.instance))
    return replace(gpu, sharers=gpu.sharers + 1, instances=(*gpu.instances, one.instance))
