"""Who is served first, and who is not overtaken. Pure.

Instances that waited longer than the policy's ``starvation_seconds`` come first, the longest-waiting before the others,
whatever their priority; then the highest priority of the owner's groups; then who has waited longest. One of the first
that finds no place gets a reservation: what is free on the node where the least is missing is kept for it, and whoever
stands behind gets only what is free besides. Since nothing of it is given away, what is missing there can only shrink,
and instances end: nobody waits for ever (``tests/unit/scheduling/test_line.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from asci_api.domain.instance import Instance
from asci_api.domain.policy import Policy
from asci_api.scheduling.board import Board, Choice
from asci_api.scheduling.filters import Request
from asci_api.scheduling.ledger import Holding
from asci_api.scheduling.place import NoFit

MOST_RESERVATIONS = 8
"""Each keeps a part of the cluster empty for a while; those who wait behind get theirs when these are served."""


def in_line(waiting: Iterable[Instance], policy: Policy, now: float) -> list[Instance]:
    """The queue in the order in which it is served. ``now`` is Unix time."""

    def rank(instance: Instance) -> tuple[bool, int, float, str]:
        old = starved(instance, policy, now)
        priority = 0 if old else -policy.priority_of(name for name, _ in instance.groups)
        return (not old, priority, instance.created_at, instance.id)

    return sorted(waiting, key=rank)


def starved(instance: Instance, policy: Policy, now: float) -> bool:
    """Whether it waited too long already."""
    return now - instance.created_at >= policy.starvation_seconds


def request_of(instance: Instance) -> Request:
    """What an instance asks of a node. Raises ``InvalidInput`` if its selector cannot be read."""
    return Request.of(
        instance.needs,
        instance.image_id,
        pullable=bool(instance.source),
        source=instance.source,
        failed=(each.node for each in instance.failed_nodes),
    )


def serve(
    board: Board,
    waiting: Iterable[Instance],
    now: float,
    put: Callable[[Instance, Choice], bool],
    wait: Callable[[Instance, NoFit], None],
) -> None:
    """Serve the queue once. ``put`` is told each placement and says whether it stands (the instance may have been
    stopped meanwhile); ``wait`` is told what finds no place. Every selector must be readable."""
    kept = 0
    for instance in in_line(waiting, board.policy, now):
        request = request_of(instance)
        outcome = board.choose(request)
        if isinstance(outcome, Choice):
            place = outcome.placement
            if put(instance, outcome):
                board.take(place.node, Holding.of(instance.id, instance.needs, place.gpus))
            continue
        wait(instance, outcome)
        if kept < MOST_RESERVATIONS and starved(instance, board.policy, now):
            kept += board.reserve(request, instance.id) is not None
    board.release()
