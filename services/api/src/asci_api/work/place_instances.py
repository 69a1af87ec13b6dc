"""Give queued instances a node, in the order of the line; write down why, and why not yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from asci_api.domain.decision import Decision
from asci_api.domain.errors import InvalidInput
from asci_api.domain.instance import Failure, Hop, Instance, Progress, State
from asci_api.domain.node import Node
from asci_api.scheduling.board import Board, Choice
from asci_api.scheduling.ledger import Ledger, holding, ledger_of
from asci_api.scheduling.line import request_of, serve
from asci_api.scheduling.place import NoFit
from asci_api.work.desk import Desk
from asci_api.work.end_instance import ask_to_end
from asci_api.work.move_on import tried_in_vain
from asci_shared.logging import get_logger

_log = get_logger(__name__)


def place_instances(
    desk: Desk,
    nodes: Sequence[Node],
    active: Iterable[Instance],
    board: Board | None = None,
    leftovers: Ledger | None = None,
    *,
    retell: bool = True,
) -> list[Instance]:
    """Place what fits now; write down the reasons of what does not. Returns those that were placed.

    ``nodes`` is the last look, without allocation; ``active`` are all instances that have not ended. What runs is
    counted from the records, so that two placements of one round never share what only one may have; ``leftovers`` is
    what containers hold that no such record knows. ``board`` is kept from round to round by its caller. Reasons that
    changed are written where ``retell`` says so: amounts change all the time.
    """
    records = list(active)
    waiting = [one for one in records if one.state is State.QUEUED and one.stop is None and _readable(desk, one)]
    if not waiting:
        return []
    board = board or Board()
    board.see(with_holdings(nodes, records, leftovers or {}), desk.policies.get())
    placed: list[Instance] = []

    def put(instance: Instance, choice: Choice) -> bool:
        stored = _put(desk, instance, choice, board.policy.revision)
        if stands := stored.state is State.PLACED and stored.placement == choice.placement:
            placed.append(stored)
        return stands

    serve(board, waiting, desk.clock(), put, lambda instance, why: _wait(desk, instance, why, retell=retell))
    return placed


def with_holdings(nodes: Iterable[Node], active: Iterable[Instance], leftovers: Ledger) -> list[Node]:
    """The nodes with what records and leftover containers hold."""
    held = ledger_of(active)
    return [holding(node, (*held.get(node.name, ()), *leftovers.get(node.name, ()))) for node in nodes]


def _readable(desk: Desk, instance: Instance) -> bool:
    """What its environment asks for cannot be read: end it, rather than hold up the queue at every round."""
    try:
        request_of(instance)
    except InvalidInput as unreadable:
        step = "Ask support: the environment needs a correction."
        failure = Failure(Hop.NODE, unreadable.title, unreadable.detail, step, instance.request_id)
        ask_to_end(desk, instance, unreadable.title, failure)
        return False
    return True


def _put(desk: Desk, instance: Instance, choice: Choice, policy_revision: int) -> Instance:
    now = desk.clock()
    place = choice.placement
    message = f"A place is found on node {place.node}."
    if instance.failed_nodes:
        message = f"{instance.failed_nodes[-1].cause} {message}"
    progress = Progress(1, message, None, (max(now - instance.created_at, 0),), now)
    decision = Decision(now, place.node, choice.score, policy_revision, choice.verdicts)

    def step(current: Instance) -> Instance | None:
        if current.state is not State.QUEUED or current.stop:
            return None
        return current.to(
            State.PLACED,
            now,
            placement=place,
            decision=decision,
            progress=progress,
            reasons=(),
            attempts=current.attempts + 1,
        )

    stored = desk.instances.change(instance.id, step)
    if stored.placement == place:
        _log.info("instance.placed", instance=instance.id, owner=instance.owner, node=place.node, gpus=place.gpus)
    return stored


def _wait(desk: Desk, instance: Instance, why: NoFit, *, retell: bool) -> None:
    if why.in_vain:
        _tried_everywhere(desk, instance)
    elif instance.reasons != why.reasons and (retell or not instance.reasons):
        desk.instances.change(instance.id, lambda now: _with_reasons(now, why.reasons))


def _with_reasons(now: Instance, reasons: tuple[str, ...]) -> Instance | None:
    return replace(now, reasons=reasons) if now.state is State.QUEUED else None


def _tried_everywhere(desk: Desk, instance: Instance) -> None:
    cause = instance.failed_nodes[-1].cause
    step = "Try again in a few minutes, or ask support."
    ask_to_end(desk, instance, cause, Failure(Hop.IMAGE, cause, tried_in_vain(instance), step, instance.request_id))
