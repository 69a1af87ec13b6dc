"""Bring an instance that shall end to its end: the one way out for stops, faults and times that ran out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from asci_api.domain.audit import AuditEntry
from asci_api.domain.errors import EngineAway, EngineFault, Fenced, NotFound
from asci_api.domain.instance import Failure, Instance, Placement, State, StopRequest
from asci_api.domain.node import NodeOverlay
from asci_api.domain.ports import Engine, Observed
from asci_api.work.desk import Desk
from asci_shared.close_codes import CloseCode
from asci_shared.logging import get_logger
from asci_shared.redis_contract import RevocationKind

LOG_LINES = 200
PATIENCE = 120.0
"""Seconds for which an end waits for an engine that answers and refuses."""
_log = get_logger(__name__)


def ask_to_end(
    desk: Desk,
    instance: Instance,
    reason: str,
    failure: Failure | None = None,
    still: Callable[[Instance], bool] = lambda now: True,
) -> Instance:
    """Record that ASCI itself wants the end, where ``still`` says so of the record as it stands. A request that stands
    already wins."""
    request = StopRequest(by="asci", reason=reason, at=desk.clock(), failure=failure)

    def step(now: Instance) -> Instance | None:
        return None if now.ended or now.stop or not still(now) else replace(now, stop=request)

    return desk.instances.change(instance.id, step)


def end_instance(desk: Desk, instance: Instance) -> Instance:
    """Stop and remove the container, keep its last lines, and record the end. Safe to repeat at any point.

    Expects ``instance.stop`` to be set. Raises ``EngineAway`` when the node does not answer (a failed start is recorded
    as failed all the same: the reaper removes what is left) and ``Fenced`` when this controller no longer leads.
    """
    placement = instance.placement
    if placement is None:
        return _finish(desk, instance, None, [])
    instance = desk.instances.change(instance.id, lambda now: _begin(now, desk.clock()))
    if instance.ended:
        return instance
    try:
        seen, log = _take_away(desk, instance, placement)
    except EngineFault as fault:
        if not _beyond_waiting(desk, instance, fault):
            raise
        _log.error("instance.container_left", instance=instance.id, cause=fault.title, detail=fault.detail)
        seen, log = None, []
    return _finish(desk, instance, seen, log)


def _beyond_waiting(desk: Desk, instance: Instance, fault: EngineFault) -> bool:
    """Whether the end is recorded although the container could not be taken away; the reaper goes on trying.

    A failed start is not kept waiting for a node that is away; and an engine that answers, and refuses for
    :data:`PATIENCE`, does not keep an end open (a process that hangs on a dead file server, for example).
    """
    if isinstance(fault, EngineAway):
        return instance.stop is not None and instance.stop.failure is not None
    return desk.clock() - instance.state_since > PATIENCE


def _finish(desk: Desk, instance: Instance, seen: Observed | None, log: list[str]) -> Instance:
    """Record the end of an instance whose container is gone (or beyond reach), and close what is still open on it."""
    ended = desk.instances.change(instance.id, lambda now: _end(now, desk.clock(), seen, log))
    if instance.ended:
        return ended
    desk.revocations.revoke(
        RevocationKind.INSTANCE, code=CloseCode.ENDED, reason=ended.end_reason[:100], instance=instance.id
    )
    _log.info(
        "instance.ended",
        instance=ended.id,
        owner=ended.owner,
        state=ended.state,
        reason=ended.end_reason,
        exit_code=ended.exit_code,
        cause=ended.error.cause if ended.error else "",
        detail=ended.error.detail if ended.error else "",
        request=ended.request_id,
    )
    desk.audit.record(_entry(ended))
    return ended


def _entry(ended: Instance) -> AuditEntry:
    return AuditEntry(
        at=ended.ended_at or 0.0,
        who=ended.stop.by if ended.stop else "asci",
        what="instance.end",
        target=ended.id,
        address="",
        outcome="ok" if ended.error is None else "failed",
        request_id=ended.request_id,
        facts={"owner": ended.owner, "reason": ended.end_reason, "exit_code": str(ended.exit_code)},
    )


def remove_container(desk: Desk, engine: Engine, container: str) -> list[str]:
    """Stop the container, read its last lines, remove it by id. The lease is read again before each deed."""
    _must_lead(desk)
    engine.stop(container, desk.policies.get().stop_seconds)
    log = _last_lines(engine, container)
    _must_lead(desk)
    engine.remove(container)
    return log


def _last_lines(engine: Engine, container: str) -> list[str]:
    """A log that cannot be read must not keep the container."""
    try:
        return engine.logs(container, LOG_LINES)
    except EngineAway:
        raise
    except EngineFault as fault:
        return [f"(The log could not be read: {fault.title})"]


def _take_away(desk: Desk, instance: Instance, placement: Placement) -> tuple[Observed | None, list[str]]:
    if desk.overlays.all().get(placement.node, NodeOverlay()).gone:
        return None, list(instance.log)
    try:
        engine = desk.engines.get(placement.node)
    except NotFound:  # not registered any more: if it comes back, its container is an orphan with a recorded end
        return None, list(instance.log)
    seen = engine.look(desk.name_of(instance.id))
    if seen is None:
        return None, list(instance.log)
    return seen, remove_container(desk, engine, seen.container)


def _must_lead(desk: Desk) -> None:
    if not desk.leads():
        raise Fenced("Another controller leads now.")


def _begin(now: Instance, at: float) -> Instance | None:
    if now.ended or now.state is State.STOPPING or now.stop is None:
        return None
    return now.to(State.STOPPING, at, reasons=(), progress=None)


def _end(now: Instance, at: float, seen: Observed | None, log: list[str]) -> Instance | None:
    if now.ended:
        return None
    exit_code = seen.exit_code if seen and seen.status in {"exited", "dead"} else now.exit_code
    return replace(_ended(now, at), exit_code=exit_code, log=tuple(log) or now.log)


def _ended(now: Instance, at: float) -> Instance:
    failure = now.stop.failure if now.stop else None
    return now.to(
        State.FAILED if failure else State.STOPPED,
        at,
        ended_at=at,
        error=failure,
        end_reason=now.stop.reason if now.stop else "",
        progress=None,
        reasons=(),
        endpoint=None,
    )
