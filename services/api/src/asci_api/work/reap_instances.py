"""Remove what is left over. Absence of a record is never a reason: only a recorded end is."""

from __future__ import annotations

from collections.abc import Collection

from asci_api.domain.errors import EngineFault
from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import Instance, State
from asci_api.domain.ports import Observed
from asci_api.work.desk import Desk
from asci_api.work.end_instance import remove_container
from asci_api.work.observe_node import Look
from asci_shared.logging import get_logger

CREATED_DEADLINE = 300.0
"""Seconds after which a container that was created and never started is an orphan, if no record knows it."""
KEEP_ENDED = 7 * 86400.0
"""Seconds for which an ended instance stays listed."""
_log = get_logger(__name__)


def reap_orphans(desk: Desk, look: Look, pending: Collection[InstanceId]) -> list[str]:
    """Remove containers of ended instances, and those without a record that were never started.
    Returns the container ids that were removed. Raises ``Fenced`` when another controller leads."""
    if not look.answered:
        return []
    removed = []
    for seen in look.containers:
        if seen.instance in pending or not _is_orphan(desk, look.node, seen):
            continue
        try:
            remove_container(desk, desk.engines.get(look.node), seen.container)
        except EngineFault as fault:  # the others are not kept waiting for this one
            _log.warning("container.not_reaped", container=seen.container[:12], cause=fault.title, detail=fault.detail)
            continue
        removed.append(seen.container)
        _log.info("container.reaped", instance=seen.instance, container=seen.container[:12], status=seen.status)
    return removed


def forget_old(desk: Desk) -> None:
    """Drop the records of instances that ended more than :data:`KEEP_ENDED` ago."""
    horizon = desk.clock() - KEEP_ENDED
    for record in desk.instances.all():
        if record.ended and record.ended_at is not None and record.ended_at < horizon:
            desk.instances.forget(record.id)


def _is_orphan(desk: Desk, node: NodeName, seen: Observed) -> bool:
    record = desk.instances.get(seen.instance)
    if record is not None and (record.ended or record.container == seen.container):
        return record.ended
    if record is not None and _runs_elsewhere(record, node):
        return True
    return seen.status == "created" and desk.clock() - seen.created_at > CREATED_DEADLINE


def _runs_elsewhere(record: Instance, node: NodeName) -> bool:
    """Its record names another container, which runs on another node: this one was made by a leader that had been
    frozen and woke, and nobody ever reached it."""
    elsewhere = record.placement is not None and record.placement.node != node
    return elsewhere and record.state is State.RUNNING and bool(record.container)
