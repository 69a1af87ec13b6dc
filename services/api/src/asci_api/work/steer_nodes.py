"""What admins decided over nodes, carried to the instances on them: a drain is told, what is on a gone node ends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from asci_api.domain.audit import AuditEntry
from asci_api.domain.identity import NodeName
from asci_api.domain.instance import DrainNotice, Instance
from asci_api.domain.node import NodeOverlay, NodeState
from asci_api.work.desk import Desk
from asci_api.work.end_instance import ask_to_end
from asci_api.work.observe_node import NOTHING_DECIDED, Look
from asci_api.work.settle_instances import HELD, lose
from asci_shared.logging import get_logger

GONE = "Its node was declared gone."
_log = get_logger(__name__)


def steer_nodes(desk: Desk, registered: Collection[NodeName], active: Iterable[Instance]) -> None:
    """Hold every instance that has a place against what is wanted of its node. Safe to repeat."""
    overlays = desk.overlays.all()
    for record in active:
        place = record.placement
        if place is None or record.stop is not None:
            continue
        overlay = overlays.get(place.node, NOTHING_DECIDED)
        if overlay.gone:
            _end_with(desk, record, overlay.gone_reason or GONE)
        elif place.node not in registered and record.state in HELD:
            lose(desk, record)
        else:
            _tell(desk, record, notice_of(place.node, overlay))


def notice_of(node: NodeName, overlay: NodeOverlay) -> DrainNotice | None:
    """What people on the node are told; None where it is not being emptied."""
    if overlay.wanted is not NodeState.DRAINING or overlay.drain is None:
        return None
    return DrainNotice(node, overlay.drain.reason, overlay.drain.deadline)


def welcome_back(desk: Desk, look: Look, overlays: Mapping[NodeName, NodeOverlay]) -> bool:
    """A node that was declared gone and answers takes part again once nothing is left there of instances that ended
    with it. Whether it does from now on."""
    if not look.answered or not overlays.get(look.node, NOTHING_DECIDED).gone:
        return False
    if any((record := desk.instances.get(seen.instance)) and record.ended for seen in look.containers):
        return False
    desk.overlays.change(look.node, lambda now: replace(now, gone=False, gone_reason=""))
    _log.warning("node.back", node=look.node)
    desk.audit.record(AuditEntry(desk.clock(), "asci", "node.return", look.node, "", "ok", ""))
    return True


def _end_with(desk: Desk, record: Instance, reason: str) -> None:
    ask_to_end(desk, record, reason, still=lambda now: now.placement == record.placement)


def _tell(desk: Desk, record: Instance, notice: DrainNotice | None) -> None:
    if record.drain == notice:
        return

    def step(now: Instance) -> Instance | None:
        return None if now.ended or now.placement != record.placement else replace(now, drain=notice)

    desk.instances.change(record.id, step)
    if notice is not None:
        _log.info("instance.drain_told", instance=record.id, owner=record.owner, node=notice.node)
