"""From the click to the desktop, and every way in which that fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from asci_api.domain.environment import Kind
from asci_api.domain.errors import EngineAway, EngineFault, Fenced
from asci_api.domain.identity import Username
from asci_api.domain.instance import Generations, Hop, Instance, State, StopRequest
from asci_api.domain.node import NodeImage
from asci_api.domain.ports import ContainerSpec, Mount
from asci_api.work.advance_instance import advance_instance, needs_a_step
from asci_api.work.bring_up_instance import bring_up_instance
from asci_api.work.write_secrets import want_secrets
from asci_shared.passwords import desktop_secret, upstream_secret
from tests.support.controller_room import Room, simple_spec
from tests.support.people import DEMO, DESKTOP, queued


def placed(room: Room) -> Instance:
    record = room.store.instances.add(queued(now=room.store.clock()))
    (placed,) = room.place()
    assert placed.id == record.id
    return placed


def test_a_click_becomes_a_running_desktop(room: Room, running: Instance) -> None:
    assert running.state is State.RUNNING
    assert running.endpoint == room.engine.of(running.id).endpoint
    assert running.container == room.engine.of(running.id).id
    assert running.progress is None
    assert not needs_a_step(running)


def test_the_secrets_go_in_by_standard_input_as_the_owner(room: Room, running: Instance) -> None:
    ((user, command, data),) = room.engine.of(running.id).written
    assert user == f"{DEMO.uid}:{DEMO.gid}"
    assert command == ("asci-set-passwords",)
    control, view, rest = data.decode().split("\n")
    assert control == desktop_secret(room.desk.key, running.id, "control", 1)
    assert view == desktop_secret(room.desk.key, running.id, "view", 1)
    assert rest == ""
    assert len(data) == 18


def test_a_home_that_cannot_be_written_warns_until_it_can(room: Room) -> None:
    room.engine.said = "home is not writable"
    record = placed(room)
    advance_instance(room.desk, record.id)
    running = room.now(record)
    assert running.state is State.RUNNING
    assert "lost when this session stops" in running.warning
    room.engine.said = ""
    want_secrets(room.desk, running)
    advance_instance(room.desk, record.id)
    assert room.now(record).warning == ""


@pytest.mark.parametrize("kind", [Kind.WEB, Kind.SERVICE])
def test_what_listens_recognizes_its_secret_and_the_next_before_it_is_asked(room: Room, kind: Kind) -> None:
    record = placed(room)
    raised = Generations(control=4)
    room.store.instances.change(record.id, lambda now: replace(now, kind=kind, port=8888, generations=raised))
    advance_instance(room.desk, record.id)
    ((user, command, data),) = room.engine.of(record.id).written
    assert (user, command, len(data)) == (f"{DEMO.uid}:{DEMO.gid}", ("asci-set-upstream",), 130)
    secrets = [upstream_secret(room.desk.key, record.id, generation) for generation in (4, 5)]
    assert data.decode().split() == [sha256(secret.encode()).hexdigest() for secret in secrets]
    assert room.now(record).state is State.RUNNING
    assert not needs_a_step(room.now(record))


def test_a_web_application_whose_guest_lost_control_is_given_the_next_secrets(room: Room) -> None:
    record = placed(room)
    room.store.instances.change(record.id, lambda now: replace(now, kind=Kind.WEB, port=8888))
    advance_instance(room.desk, record.id)
    room.store.instances.change(record.id, lambda now: replace(now, generations=replace(now.generations, control=2)))
    assert needs_a_step(room.now(record))
    advance_instance(room.desk, record.id)
    first, second = (data.decode().split() for _, _, data in room.engine.of(record.id).written)
    assert second[0] == first[1]
    assert first[0] not in second


def test_words_of_a_web_application_that_does_not_answer(room: Room) -> None:
    record = placed(room)
    room.store.instances.change(record.id, lambda now: replace(now, kind=Kind.WEB, port=8888))
    room.engine.upon("write", lambda: setattr(room.engine.of(record.id), "ready", False))
    bring_up_instance(room.desk, room.now(record), pause=lambda seconds: room.store.clock.advance(1.0))
    advance_instance(room.desk, record.id)
    error = room.now(record).error
    assert error is not None
    assert (error.hop, error.cause) == (Hop.CONTAINER, "The application runs but does not answer after 120 s.")


def test_a_desktop_that_ends_before_it_takes_its_secrets_is_told_as_one_that_ended(room: Room) -> None:
    record = placed(room)
    room.engine.upon("write", lambda: room.engine.exits(record.id, 3))
    advance_instance(room.desk, record.id)
    error = room.now(record).error
    assert error is not None
    assert (error.hop, error.cause) == (Hop.CONTAINER, "The desktop ended while starting (exit code 3).")


def test_the_seconds_of_a_start_become_what_is_usual(room: Room) -> None:
    record = placed(room)
    room.engine.upon("start", lambda: room.store.clock.advance(1.5))
    advance_instance(room.desk, record.id)
    assert room.store.cluster.usual_seconds(["desktop"]) == {"desktop": 1.5}


def test_a_new_person_gets_her_home_and_the_start_goes_on(room: Room) -> None:
    room.engine.missing.add("/homes/demo")
    record = placed(room)
    made_by: list[str] = []
    make_home = room.engine.make_home

    def watched(username: Username, uid: int, gid: int, image: str) -> None:
        made_by.append(image)
        make_home(username, uid, gid, image)

    room.engine.make_home = watched  # type: ignore[method-assign]
    advance_instance(room.desk, record.id)
    assert room.engine.homes_made == [("demo", DEMO.uid, DEMO.gid)]
    assert made_by == ["asci/base:dev"], "an environment's image must never be root beside all homes"
    assert room.now(record).state is State.RUNNING


def test_a_home_that_cannot_be_made_fails_at_the_mount(room: Room) -> None:
    room.engine.missing.add("/homes/demo")
    room.engine.fail("make_home", EngineFault(Hop.MOUNT, "Your home folder could not be mounted.", "", "Ask support."))
    record = placed(room)
    advance_instance(room.desk, record.id)
    error = room.now(record).error
    assert room.now(record).state is State.FAILED
    assert error is not None
    assert (error.hop, error.next_step, error.request_id) == (Hop.MOUNT, "Ask support.", record.request_id)


def test_a_folder_with_data_that_is_missing_is_not_called_a_home(room: Room) -> None:
    def spec_with_data(instance: Instance) -> ContainerSpec:
        spec = simple_spec(instance)
        return replace(spec, mounts=(*spec.mounts, Mount("/data/24117", "/data")))

    room.engine.missing.add("/data/24117")
    record = placed(room)
    advance_instance(replace(room.desk, make_spec=spec_with_data), record.id)
    now = room.now(record)
    assert now.error is not None
    assert now.error.hop is Hop.MOUNT
    assert "home" not in now.error.cause.lower()
    assert "/data/24117" in now.error.detail
    assert room.engine.homes_made == []


def test_a_fault_that_may_pass_is_tried_again(room: Room) -> None:
    record = placed(room)
    room.engine.fail("create", EngineFault(Hop.NODE, "The engine is busy with this name.", transient=True))
    advance_instance(room.desk, record.id)
    assert room.now(record).state is State.STARTING
    advance_instance(room.desk, record.id)
    assert room.now(record).state is State.RUNNING


def test_a_service_without_a_port_runs_when_its_container_does(room: Room) -> None:
    record = placed(room)
    room.store.instances.change(record.id, lambda now: replace(now, kind=Kind.SERVICE, port=0))
    advance_instance(room.desk, record.id)
    assert room.now(record).state is State.RUNNING
    assert room.engine.of(record.id).written == []


def test_a_name_alone_is_never_fetched(room: Room) -> None:
    """Whoever owns that name on a public registry would choose what runs beside people's homes."""
    foreign = NodeImage("sha256:foreign", ("site/other:1",), 1, "{}")
    room.engine.registry.append(foreign)
    record = placed(room)
    room.store.instances.change(
        record.id, lambda now: replace(now, image=foreign.tags[0], image_id="sha256:deleted", source="")
    )
    advance_instance(room.desk, record.id)
    assert room.engine.pulled == []
    error = room.now(record).error
    assert error is not None
    assert error.hop is Hop.IMAGE
    assert "on no registry" in error.detail


def test_an_image_that_the_node_lacks_is_pulled_with_its_percentage(room: Room) -> None:
    image = NodeImage("sha256:other", ("site/other:1",), 1, "{}", "registry.site/other@sha256:abc")
    record = placed(room)
    room.store.instances.change(
        record.id, lambda now: replace(now, image=image.tags[0], image_id=image.id, source=image.digest)
    )
    room.engine.registry.append(image)
    told: list[tuple[str, int | None]] = []
    pull = room.engine.pull

    def watched(reference: str, progress: Callable[[int | None], None]) -> None:
        def tell(percent: int | None) -> None:
            progress(percent)
            now = room.now(record).progress
            assert now is not None
            told.append((now.message, now.percent))

        pull(reference, tell)

    room.engine.pull = watched  # type: ignore[method-assign, assignment]
    advance_instance(room.desk, record.id)
    assert ("Pulling the image on node local, 50 %", 50) in told
    assert room.now(record).state is State.RUNNING


def test_an_image_rebuilt_while_somebody_waited_is_started_as_it_is_now(room: Room) -> None:
    record = placed(room)
    room.engine.loses_image(DESKTOP.image_id)
    room.engine.adds_image(NodeImage("sha256:rebuilt", (DESKTOP.image,), 1, "{}"))
    room.store.cluster.put_environments([replace(DESKTOP, image_id="sha256:rebuilt")])
    advance_instance(room.desk, record.id)
    now = room.now(record)
    assert (now.state, now.image_id) == (State.RUNNING, "sha256:rebuilt")


def test_the_queue_is_not_counted_as_a_usual_start(room: Room) -> None:
    record = room.store.instances.add(queued(now=room.store.clock()))
    room.store.clock.advance(3600)
    room.place()
    room.engine.upon("start", lambda: room.store.clock.advance(2.0))
    advance_instance(room.desk, record.id)
    assert room.store.cluster.usual_seconds(["desktop"]) == {"desktop": 2.0}


def test_an_image_that_nobody_has_fails_at_the_image(room: Room) -> None:
    record = placed(room)
    room.engine.loses_image(DESKTOP.image_id)
    advance_instance(room.desk, record.id)
    now = room.now(record)
    assert now.state is State.FAILED
    assert now.error is not None
    assert now.error.hop is Hop.IMAGE
    assert room.engine.containers == {}


def test_a_desktop_that_ends_while_starting_says_its_exit_code_and_keeps_its_log(room: Room) -> None:
    record = placed(room)

    def dies() -> None:
        container = room.engine.of(record.id)
        container.ready = False
        container.log.append("Xvnc: no such display")
        room.engine.upon("look", lambda: None)
        room.engine.exits(record.id, 1)

    room.engine.upon("write", lambda: None)
    room.engine.upon("look", lambda: dies() if room.engine.containers and _runs(room, record) else None)
    bring_up_instance(room.desk, room.now(record), pause=lambda seconds: room.store.clock.advance(0.3))
    room.engine.upon("look", lambda: None)
    advance_instance(room.desk, record.id)
    now = room.now(record)
    assert now.state is State.FAILED
    assert now.error is not None
    assert now.error.hop is Hop.CONTAINER
    assert now.log == ("Xvnc: no such display",)
    assert room.engine.containers == {}


def _runs(room: Room, record: Instance) -> bool:
    return any(container.status == "running" for container in room.engine.containers.values())


def test_a_desktop_that_ends_before_it_has_its_secrets_says_its_exit_code(room: Room) -> None:
    record = placed(room)
    room.engine.upon("write", lambda: room.engine.exits(record.id, 3))
    advance_instance(room.desk, record.id)
    error = room.now(record).error
    assert error is not None
    assert "exit code 3" in error.cause


def test_no_picture_within_the_deadline_fails_at_vnc(room: Room) -> None:
    record = placed(room)
    room.engine.upon("write", lambda: setattr(room.engine.of(record.id), "ready", False))
    bring_up_instance(room.desk, room.now(record), pause=lambda seconds: room.store.clock.advance(1.0))
    advance_instance(room.desk, record.id)
    now = room.now(record)
    assert now.state is State.FAILED
    assert now.error is not None
    assert now.error.hop is Hop.VNC
    assert "30 s" in now.error.cause


def test_an_engine_that_is_away_is_asked_again_until_the_deadline(room: Room) -> None:
    record = placed(room)
    room.engine.away = True
    with pytest.raises(EngineAway):
        bring_up_instance(room.desk, room.now(record))
    assert room.now(record).state is State.PLACED
    room.engine.away = False
    advance_instance(room.desk, record.id)
    assert room.now(record).state is State.RUNNING


def test_past_the_deadline_an_engine_that_is_away_fails_the_start_though_nothing_can_be_removed(room: Room) -> None:
    record = placed(room)
    room.engine.away = True
    room.store.clock.advance(61)
    advance_instance(room.desk, record.id)
    now = room.now(record)
    assert now.state is State.FAILED
    assert now.error is not None
    assert now.error.hop is Hop.NODE


def test_a_timeout_in_create_leaves_one_container_that_the_next_try_adopts(room: Room) -> None:
    record = placed(room)
    room.engine.fail("create", EngineAway("local"), after=True)
    advance_instance(room.desk, record.id)
    assert len(room.engine.containers) == 1
    advance_instance(room.desk, record.id)
    assert room.now(record).state is State.RUNNING
    assert len(room.engine.containers) == 1


@pytest.mark.parametrize("method", ["image_id", "create", "start", "look", "write"])
def test_a_controller_killed_in_any_step_is_followed_by_one_that_finishes(room: Room, method: str) -> None:
    record = placed(room)
    room.engine.fail(method, RuntimeError("killed"), after=True)
    with pytest.raises(RuntimeError):
        advance_instance(room.desk, record.id)
    advance_instance(room.desk, record.id)
    assert room.now(record).state is State.RUNNING
    assert len(room.engine.containers) == 1


def test_a_stop_during_the_start_ends_it(room: Room) -> None:
    record = placed(room)

    def owner_stops() -> None:
        request = StopRequest("demo", "You stopped it.", room.store.clock())
        room.store.instances.change(record.id, lambda now: replace(now, stop=request))

    room.engine.upon("start", owner_stops)
    advance_instance(room.desk, record.id)
    now = room.now(record)
    assert (now.state, now.end_reason) == (State.STOPPED, "You stopped it.")
    assert room.engine.containers == {}


def test_a_controller_that_no_longer_leads_creates_nothing(room: Room) -> None:
    record = placed(room)
    room.leading = False
    with pytest.raises(Fenced):
        advance_instance(room.desk, record.id)
    assert room.engine.containers == {}
