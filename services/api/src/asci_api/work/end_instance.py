"""Bring an instance that shall end to its end: the one way out for stops, faults and times that ran out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from asci_api.domain.errors import EngineAway, Fenced
from asci_api.domain.instance import Failure, Instance, State, StopRequest
from asci_api.domain.ports import Engine, Observed
from asci_api.work.desk import Desk
from asci_shared.close_codes import CloseCode
from asci_shared.logging import get_logger
from asci_shared.redis_contract import RevocationKind

LOG_LINES = 200
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
    instance = desk.instances.change(instance.id, lambda now: _begin(now, desk.clock()))
    if instance.ended or instance.placement is None:
        return instance
    try:
        seen, log = _take_away(desk, instance)
    except EngineAway:
        if instance.stop is None or instance.stop.failure is None:
            raise
        seen, log = None, []
    return finish(desk, instance, seen, log)


def finish(desk: Desk, instance: Instance, seen: Observed | None, log: list[str]) -> Instance:
    """Record the end of an instance whose container is gone (or beyond reach), and close what is still open on it."""
    ended = desk.instances.change(instance.id, lambda now: _end(now, desk.clock(), seen, log))
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
    return ended


def remove_container(desk: Desk, engine: Engine, container: str) -> list[str]:
    """Stop the container, read its last lines, remove it by id. The lease is read again before each deed."""
    _must_lead(desk)
    engine.stop(container, desk.policies.get().stop_seconds)
    log = engine.logs(container, LOG_LINES)
    _must_lead(desk)
    engine.remove(container)
    return log


def _take_away(desk: Desk, instance: Instance) -> tuple[Observed | None, list[str]]:
    assert instance.placement is not None  # noqa: S101 -- the caller checked; says it to the type checker
    engine = desk.engines.get(instance.placement.node)
    seen = engine.look(desk.make_spec(instance).name)
    if seen is None:
        return None, list(instance.log)
    return seen, remove_container(desk, engine, seen.container)


def _must_lead(desk: Desk) -> None:
    if not desk.leads():
        raise Fenced("Another controller leads now.")


def _begin(now: Instance, at: float) -> Instance | None:
    if now.ended or now.state is State.STOPPING or now.stop is None:
        return None
    if now.placement is None:
        return _ended(now, at)
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
