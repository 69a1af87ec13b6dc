"""Give queued instances a node, oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from asci_api.domain.errors import InvalidInput
from asci_api.domain.instance import Failure, Hop, Instance, Placement, Progress, State
from asci_api.domain.node import Node, Resources
from asci_api.scheduling.place import NoFit, place
from asci_api.work.desk import Desk
from asci_api.work.end_instance import ask_to_end
from asci_shared.logging import get_logger

_log = get_logger(__name__)


def place_instances(desk: Desk, nodes: Sequence[Node], active: Iterable[Instance]) -> list[Instance]:
    """Place what fits now; write down the reasons of what does not. Returns those that were placed.

    ``nodes`` is the last look, without allocation; ``active`` are all instances that have not ended, oldest first.
    What runs is counted from the records, so that two placements of one round never share what only one may have.
    """
    records = list(active)
    placed = []
    policy = desk.policies.get()
    for instance in [record for record in records if record.state is State.QUEUED and record.stop is None]:
        try:
            outcome = place(instance.needs, with_allocation(nodes, records), policy, image=instance.image_id)
        except InvalidInput as unreadable:
            _refuse(desk, instance, unreadable)
            continue
        if isinstance(outcome, NoFit):
            _wait(desk, instance, tuple(outcome.reasons))
            continue
        stored = _put(desk, instance, outcome)
        records = [stored if record.id == stored.id else record for record in records]
        if stored.state is State.PLACED:
            placed.append(stored)
    return placed


def with_allocation(nodes: Sequence[Node], active: Iterable[Instance]) -> list[Node]:
    """The nodes with what their instances hold, summed from the records."""
    held: dict[str, Resources] = {}
    for instance in active:
        if instance.placement is None or instance.ended:
            continue
        before = held.get(instance.placement.node, Resources())
        needs = instance.needs
        held[instance.placement.node] = Resources(
            cpus=before.cpus + needs.cpus,
            memory=before.memory + needs.memory,
            gpus=before.gpus + len(instance.placement.gpus),
        )
    return [replace(node, allocated=held.get(node.name, Resources())) for node in nodes]


def _refuse(desk: Desk, instance: Instance, unreadable: InvalidInput) -> None:
    """What its environment asks for cannot be read: end it, rather than hold up the queue at every round."""
    step = "Ask support: the environment needs a correction."
    failure = Failure(Hop.NODE, unreadable.title, unreadable.detail, step, instance.request_id)
    ask_to_end(desk, instance, unreadable.title, failure)


def _put(desk: Desk, instance: Instance, placement: Placement) -> Instance:
    now = desk.clock()
    progress = Progress(
        1, f"A place is found on node {placement.node}.", None, (max(now - instance.created_at, 0),), now
    )

    def step(current: Instance) -> Instance | None:
        if current.state is not State.QUEUED or current.stop:
            return None
        return current.to(
            State.PLACED, now, placement=placement, progress=progress, reasons=(), attempts=current.attempts + 1
        )

    stored = desk.instances.change(instance.id, step)
    _log.info("instance.placed", instance=instance.id, owner=instance.owner, node=placement.node)
    return stored


def _wait(desk: Desk, instance: Instance, reasons: tuple[str, ...]) -> None:
    if instance.reasons != reasons:
        desk.instances.change(instance.id, lambda now: replace(now, reasons=reasons))
