"""Look for another node where one cannot bring an instance up before its container was asked for."""

from __future__ import annotations

from dataclasses import replace

from asci_api.domain.errors import EngineFault, InvalidInput
from asci_api.domain.identity import NodeName
from asci_api.domain.instance import FailedNode, Hop, Instance, State
from asci_api.domain.node import NodeState
from asci_api.scheduling.filters import matches
from asci_api.scheduling.line import request_of
from asci_api.work.desk import Desk
from asci_shared.logging import get_logger

BEFORE_A_CONTAINER = frozenset({State.PLACED, State.PULLING})
MOVES_ON = frozenset({Hop.IMAGE, Hop.NODE})
"""Faults of a node, which another one may not have."""
_MAY_MOVE = BEFORE_A_CONTAINER | {State.STARTING}
_log = get_logger(__name__)


def move_on(desk: Desk, instance: Instance, fault: EngineFault) -> bool:
    """Back into the queue without the node that failed, where another one could do; whether it went.

    Only for an instance of which the node holds nothing."""
    if fault.hop not in MOVES_ON or instance.placement is None:
        return False
    failed = FailedNode(instance.placement.node, fault.title)
    if not _another(desk, replace(instance, failed_nodes=(*instance.failed_nodes, failed))):
        return False
    now = desk.clock()

    def step(current: Instance) -> Instance | None:
        if current.stop or current.state not in _MAY_MOVE or current.placement != instance.placement:
            return None
        return current.to(
            State.QUEUED,
            now,
            placement=None,
            decision=None,
            progress=None,
            drain=None,
            container="",
            endpoint=None,
            failed_nodes=(*current.failed_nodes, failed),
        )

    stored = desk.instances.change(instance.id, step)
    if stored.state is not State.QUEUED:
        return False
    _log.warning("instance.moves_on", instance=instance.id, node=failed.node, cause=fault.title, detail=fault.detail)
    return True


def is_down(desk: Desk, node: NodeName) -> bool:
    """Whether the last look says so; not on the word of a missing snapshot."""
    return any(one.name == node and one.state is NodeState.DOWN for one in desk.cluster.nodes() or ())


def tried_in_vain(instance: Instance) -> str:
    """What the nodes that were tried said; empty where there was none."""
    return " ".join(f"{each.node}: {each.cause}" for each in instance.failed_nodes)


def _another(desk: Desk, instance: Instance) -> bool:
    policy = desk.policies.get()
    try:
        request = request_of(instance)
    except InvalidInput:
        return False
    return any(matches(request, node, policy) for node in desk.cluster.nodes() or ())
