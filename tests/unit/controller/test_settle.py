"""What follows from a look at a node: lost, found, ended, adopted, reaped, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asci_api.domain.errors import EngineAway, EngineFault, Fenced
from asci_api.domain.instance import Endpoint, Hop, Instance, State, StopRequest
from asci_api.domain.node import NodeState
from asci_api.domain.ports import ContainerSpec
from asci_api.loops.steadiness import Steadiness
from asci_api.work.adopt_instance import adopt_instances
from asci_api.work.advance_instance import advance_instance
from asci_api.work.end_instance import PATIENCE
from asci_api.work.expire_instances import GRACE, expire_instances
from asci_api.work.observe_node import node_of
from asci_api.work.reap_instances import CREATED_DEADLINE, forget_old, reap_orphans
from asci_api.work.settle_instances import settle_instances
from tests.support.controller_room import Room, simple_spec
from tests.support.memory import MemoryClock
from tests.support.people import queued


def settle(room: Room, pending: frozenset[str] = frozenset()) -> None:
    settle_instances(room.desk, room.look(), room.store.instances.active(), pending)  # type: ignore[arg-type]


def stop(room: Room, record: Instance, reason: str = "You stopped it.") -> None:
    request = StopRequest("demo", reason, room.store.clock())
    room.store.instances.change(record.id, lambda now: replace(now, stop=request))


def test_nothing_to_mend_changes_nothing(room: Room, running: Instance) -> None:
    settle(room)
    assert room.now(running) == running


def test_log_out_is_stopped_and_not_failed(room: Room, running: Instance) -> None:
    room.engine.of(running.id).log.append("session ended")
    room.engine.exits(running.id, 0)
    settle(room)
    advance_instance(room.desk, running.id)
    now = room.now(running)
    assert (now.state, now.end_reason, now.exit_code) == (State.STOPPED, "Logged out of the desktop.", 0)
    assert now.log == ("session ended",)
    assert room.engine.containers == {}


@pytest.mark.parametrize(("code", "word"), [(137, "killed"), (143, "stopped"), (255, "restarted")])
def test_an_end_from_outside_is_stopped_with_its_reason(room: Room, running: Instance, code: int, word: str) -> None:
    room.engine.exits(running.id, code)
    settle(room)
    advance_instance(room.desk, running.id)
    assert room.now(running).state is State.STOPPED
    assert word in room.now(running).end_reason
    assert f"exit code {code}" in room.now(running).end_reason


def test_a_crash_is_failed_with_its_exit_code(room: Room, running: Instance) -> None:
    room.engine.exits(running.id, 3)
    settle(room)
    advance_instance(room.desk, running.id)
    now = room.now(running)
    assert now.state is State.FAILED
    assert now.error is not None
    assert "exit code 3" in now.error.cause
    assert now.exit_code == 3


def test_running_out_of_memory_is_said(room: Room, running: Instance) -> None:
    room.engine.exits(running.id, 137, oom=True)
    settle(room)
    advance_instance(room.desk, running.id)
    error = room.now(running).error
    assert error is not None
    assert "memory" in error.cause


def test_a_container_removed_by_hand_is_an_end_only_when_the_node_answers(room: Room, running: Instance) -> None:
    room.store.clock.advance(60)
    room.engine.vanishes(running.id)
    room.engine.away = True
    settle(room)
    assert room.now(running).state is State.RUNNING
    room.engine.away = False
    settle(room)
    advance_instance(room.desk, running.id)
    assert room.now(running).state is State.STOPPED
    assert "outside" in room.now(running).end_reason


def test_a_silent_node_is_lost_after_ten_seconds_and_found_again(room: Room, running: Instance) -> None:
    settle(room)
    room.engine.away = True
    for seconds in (5, 4.9):
        room.store.clock.advance(seconds)
        settle(room)
        assert room.now(running).state is State.RUNNING
    room.store.clock.advance(0.2)
    settle(room)
    assert room.now(running).state is State.LOST
    assert node_of(room.look()).state is NodeState.DOWN
    room.engine.away = False
    room.engine.of(running.id).endpoint = Endpoint("192.0.2.1", 40000)
    settle(room)
    now = room.now(running)
    assert (now.state, now.lost_since) == (State.RUNNING, None)
    assert now.endpoint == Endpoint("192.0.2.1", 40000)


def test_images_that_cannot_be_listed_are_no_silence(room: Room, running: Instance) -> None:
    known = room.look().images
    room.engine.fail("images", EngineAway("local"))
    look = room.look()
    assert look.answered
    assert look.images == known


def test_a_pause_of_the_controller_is_not_held_against_the_node(room: Room, running: Instance) -> None:
    settle(room)
    room.store.clock.advance(3600)
    room.engine.away = True
    settle(room)
    assert room.now(running).state is State.RUNNING


def test_what_a_worker_holds_is_left_alone(room: Room, running: Instance) -> None:
    room.engine.exits(running.id, 3)
    settle(room, pending=frozenset({running.id}))
    assert room.now(running) == running


def test_a_container_without_record_is_adopted_with_its_owner(room: Room, running: Instance) -> None:
    room.store.instances.change(running.id, lambda now: replace(now, state=State.STOPPED, ended_at=0.0))
    room.store.instances.forget(running.id)
    (adopted,) = adopt_instances(room.desk, room.look(), set())
    advance_instance(room.desk, adopted.id)
    now = room.now(running)
    assert (now.owner, now.state, now.container) == (running.owner, State.RUNNING, running.container)


def test_a_container_of_an_unknown_owner_is_neither_adopted_nor_removed(room: Room) -> None:
    spec = simple_spec(queued(owner="stranger"))
    room.engine.start(room.engine.create(spec))
    assert adopt_instances(room.desk, room.look(), set()) == []
    room.store.clock.advance(10 * CREATED_DEADLINE)
    assert reap_orphans(room.desk, room.look(), set()) == []
    assert len(room.engine.containers) == 1


def test_only_a_recorded_end_makes_an_orphan(room: Room, running: Instance) -> None:
    assert reap_orphans(room.desk, room.look(), set()) == []
    room.store.instances.change(running.id, lambda now: replace(now, state=State.STOPPED, ended_at=0.0))
    assert reap_orphans(room.desk, room.look(), set()) == [running.container]
    assert room.engine.containers == {}


def test_created_and_never_started_is_an_orphan_past_its_deadline(room: Room) -> None:
    container = room.engine.create(simple_spec(queued()))
    assert reap_orphans(room.desk, room.look(), set()) == []
    room.store.clock.advance(CREATED_DEADLINE + 1)
    assert reap_orphans(room.desk, room.look(), set()) == [container]


def test_a_leader_that_was_replaced_removes_nothing(room: Room, running: Instance) -> None:
    stop(room, running)
    room.leading = False
    with pytest.raises(Fenced):
        advance_instance(room.desk, running.id)
    assert room.engine.of(running.id).status == "running"


def test_a_stop_waits_for_an_engine_that_is_away(room: Room, running: Instance) -> None:
    stop(room, running)
    room.engine.away = True
    advance_instance(room.desk, running.id)
    assert room.now(running).state is State.STOPPING
    room.engine.away = False
    advance_instance(room.desk, running.id)
    assert room.now(running).state is State.STOPPED


@pytest.mark.parametrize("method", ["look", "stop", "logs", "remove"])
def test_an_end_cut_off_in_any_step_is_finished_by_the_next(room: Room, running: Instance, method: str) -> None:
    stop(room, running)
    room.engine.fail(method, EngineAway("local"), after=True)
    advance_instance(room.desk, running.id)
    advance_instance(room.desk, running.id)
    assert room.now(running).state is State.STOPPED
    assert room.engine.containers == {}


def test_an_end_closes_what_is_open_on_it(room: Room, running: Instance) -> None:
    stop(room, running)
    advance_instance(room.desk, running.id)
    assert [made.instance for made in room.store.revocations.made if made.code == 4404] == [running.id]


def test_leaving_the_queue_ends_without_an_engine_call(room: Room) -> None:
    record = room.store.instances.add(queued(now=room.store.clock()))
    stop(room, record)
    advance_instance(room.desk, record.id)
    assert room.now(record).state is State.STOPPED
    assert room.engine.calls == []


def test_time_that_ran_out_ends_and_is_audited(room: Room, running: Instance) -> None:
    assert expire_instances(room.desk, room.store.instances.active(), running.created_at) == []
    room.store.clock.now = running.expires_at
    expire_instances(room.desk, room.store.instances.active(), running.created_at)
    advance_instance(room.desk, running.id)
    assert room.now(running).end_reason == "Its time ran out."
    (entry,) = room.store.audit.find()
    assert (entry.what, entry.who, entry.facts["reason"]) == ("instance.end", "asci", "Its time ran out.")


def test_after_a_break_everybody_has_time_to_extend(room: Room, running: Instance) -> None:
    """Redis was away while the time ran out, or the clock jumped a year ahead."""
    room.store.clock.now = back = running.expires_at + 3600
    assert expire_instances(room.desk, room.store.instances.active(), steady_since=back) == []
    room.store.clock.advance(GRACE - 1)
    assert expire_instances(room.desk, room.store.instances.active(), steady_since=back) == []
    room.store.clock.advance(2)
    assert [one.id for one in expire_instances(room.desk, room.store.instances.active(), back)] == [running.id]


def test_a_clock_that_jumps_begins_a_new_time() -> None:
    wall, monotonic = MemoryClock(1000.0), MemoryClock(0.0)
    steady = Steadiness(wall, monotonic)
    wall.advance(600)
    monotonic.advance(600)
    assert steady.since() == 1000.0
    wall.advance(86400 * 365)
    monotonic.advance(1)
    assert steady.since() == wall()
    steady_since = wall()
    wall.advance(30)
    monotonic.advance(30)
    assert steady.since() == steady_since
    steady.broken()
    assert steady.since() == wall()


def test_every_end_is_in_the_audit_with_its_reason(room: Room, running: Instance) -> None:
    room.engine.exits(running.id, 0)
    settle(room)
    advance_instance(room.desk, running.id)
    advance_instance(room.desk, running.id)
    (entry,) = room.store.audit.find()
    assert (entry.what, entry.target, entry.facts["reason"]) == (
        "instance.end",
        running.id,
        "Logged out of the desktop.",
    )


def test_what_can_no_longer_be_specified_can_still_be_ended(room: Room, running: Instance) -> None:
    """The operator took a mount out of the overlay while the desktop ran."""

    def refuses(instance: Instance) -> ContainerSpec:
        raise EngineFault(Hop.MOUNT, "A folder that this environment needs is not set up at this site.")

    stop(room, running)
    advance_instance(replace(room.desk, make_spec=refuses), running.id)
    assert room.now(running).state is State.STOPPED
    assert room.engine.containers == {}


@pytest.mark.parametrize("method", ["stop", "remove"])
def test_an_engine_that_goes_on_refusing_does_not_keep_an_end_open(room: Room, running: Instance, method: str) -> None:
    room.engine.fail(method, EngineFault(Hop.CONTAINER, "The container could not be removed."), times=4)
    stop(room, running)
    advance_instance(room.desk, running.id)
    assert room.now(running).state is State.STOPPING
    room.store.clock.advance(PATIENCE + 1)
    advance_instance(room.desk, running.id)
    assert room.now(running).state is State.STOPPED
    reap_orphans(room.desk, room.look(), set())
    assert len(room.engine.containers) == 1
    reap_orphans(room.desk, room.look(), set())
    reap_orphans(room.desk, room.look(), set())
    assert room.engine.containers == {}


def test_a_log_that_cannot_be_read_does_not_keep_the_container(room: Room, running: Instance) -> None:
    room.engine.fail("logs", EngineFault(Hop.CONTAINER, "The log of the session could not be read."))
    stop(room, running)
    advance_instance(room.desk, running.id)
    assert room.now(running).state is State.STOPPED
    assert "could not be read" in room.now(running).log[0]


def test_who_extends_in_the_last_moment_keeps_her_desktop(room: Room, running: Instance) -> None:
    listed = room.store.instances.active()
    room.store.clock.now = running.expires_at
    room.store.instances.change(running.id, lambda now: replace(now, expires_at=now.expires_at + 3600))
    assert expire_instances(room.desk, listed, running.created_at) == []
    assert room.now(running).stop is None


def test_ended_records_are_kept_for_a_week(room: Room, running: Instance) -> None:
    stop(room, running)
    advance_instance(room.desk, running.id)
    room.store.clock.advance(6.9 * 86400)
    forget_old(room.desk)
    assert room.store.instances.get(running.id) is not None
    room.store.clock.advance(0.2 * 86400)
    forget_old(room.desk)
    assert room.store.instances.get(running.id) is None
