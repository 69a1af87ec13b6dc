"""Hold the records against what a node really runs: mend what differs, touch nothing that is pending."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from asci_api.domain.environment import Kind
from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import Failure, Hop, Instance, State
from asci_api.domain.ports import Observed
from asci_api.work.desk import Desk
from asci_api.work.end_instance import ask_to_end
from asci_api.work.observe_node import Look
from asci_shared.logging import get_logger

HELD = frozenset({State.STARTING, State.RUNNING, State.LOST})
LOGGED_OUT = "Logged out of the desktop."
ENDED_BY_ITSELF = "Its program ended by itself, without an error."
RESTARTED = "Its node or the engine there was restarted (exit code 255)."
REMOVED = "The container was removed from outside ASCI."
_ENGINE_ENDED = frozenset({129, 130, 137, 143, 255})
"""Exit codes of a container that its engine or machine took down: SIGHUP, SIGINT, SIGKILL, SIGTERM, and what it writes
for one that it found dead after a restart."""
_KILLED, _FOUND_DEAD = 137, 255
_log = get_logger(__name__)


def settle_instances(desk: Desk, look: Look, active: Iterable[Instance], pending: Collection[InstanceId]) -> None:
    """For every instance on the node that nobody works on: lost, found again, moved, or ended.

    A container that is missing is believed only from a node that answered, and only for an instance that was there
    before the look began.
    """
    mine = [
        record
        for record in active
        if record.placement
        and record.placement.node == look.node
        and record.state in HELD
        and record.id not in pending
        and record.stop is None
    ]
    by_instance = {seen.instance: seen for seen in look.containers}
    for record in mine:
        if not look.answered:
            if look.down:
                lose(desk, record)
        elif seen := by_instance.get(record.id):
            _hold_against(desk, record, seen)
        elif record.container and record.state_since < look.at - 2.0:
            _gone(desk, look, record)


def lose(desk: Desk, record: Instance) -> None:
    """Its node does not answer, or is not registered any more."""
    if record.state is State.LOST:
        return
    now = desk.clock()
    stored = desk.instances.change(
        record.id, _as_it_was(record, lambda r: r.to(State.LOST, now, lost_since=now) if r.state in HELD else r)
    )
    if stored.state is not State.LOST:
        return
    _log.error("instance.lost", instance=record.id, owner=record.owner, node=record.placement and record.placement.node)


def _hold_against(desk: Desk, record: Instance, seen: Observed) -> None:
    if seen.status in {"exited", "dead"}:
        reason, failure = _why(record, seen)
        ask_to_end(desk, record, reason, failure, still=lambda now: now.placement == record.placement)
    elif seen.status in {"running", "paused"}:
        _found(desk, record, seen)


def _found(desk: Desk, record: Instance, seen: Observed) -> None:
    now = desk.clock()
    if record.state is State.LOST:
        back = State.RUNNING if record.running_at else State.STARTING
        facts = {"lost_since": None, "endpoint": seen.endpoint, "container": seen.container}
        found = desk.instances.change(
            record.id, _as_it_was(record, lambda r: r.to(back, now, **facts) if r.state is State.LOST else r)
        )
        if found.state is not back:
            return
        _log.info("instance.found_again", instance=record.id, owner=record.owner, state=back)
    elif record.state is State.RUNNING and seen.endpoint and seen.endpoint != record.endpoint:
        desk.instances.change(record.id, _as_it_was(record, lambda r: replace(r, endpoint=seen.endpoint)))
        _log.info("instance.moved_port", instance=record.id, port=seen.endpoint.port)


def _gone(desk: Desk, look: Look, record: Instance) -> None:
    """Believe it only after the engine said so to a question about this very container."""
    if desk.engines.get(look.node).look(record.container) is None:
        ask_to_end(desk, record, REMOVED, still=lambda now: now.placement == record.placement)


def _why(record: Instance, seen: Observed) -> tuple[str, Failure | None]:
    if seen.exit_code == 0:
        return (LOGGED_OUT if record.kind is Kind.DESKTOP else ENDED_BY_ITSELF), None
    if seen.exit_code in _ENGINE_ENDED and not seen.oom_killed:
        return _from_outside(seen.exit_code), None
    if seen.oom_killed:
        cause = f"The {record.kind.noun} ran out of memory."
        step = "Start it again, or choose an environment with more memory."
    else:
        cause = f"The {record.kind.noun} ended by itself (exit code {seen.exit_code})."
        step = "Open Details for its last lines, and send them to support."
    return cause, Failure(Hop.CONTAINER, cause, "", step, record.request_id)


def _from_outside(code: int | None) -> str:
    if code == _FOUND_DEAD:
        return RESTARTED
    how = "killed" if code == _KILLED else "stopped"
    return f"Its container was {how} from outside ASCI (exit code {code}): by somebody, or with its node or engine."


def _as_it_was(record: Instance, step: Callable[[Instance], Instance]) -> Callable[[Instance], Instance | None]:
    """Unless it ends or was placed elsewhere since the records were read."""
    return lambda now: None if now.ended or now.stop or now.placement != record.placement else step(now)
