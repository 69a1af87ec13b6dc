"""What the verbs rely on, of every engine (``asci_api.domain.ports.Engine``)."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from asci_api.domain.errors import EngineAway, EngineFault, ImageMissing, PullFailed, SourceMissing
from asci_api.domain.gpu_label import LabelledGpus, read_gpus
from asci_api.domain.identity import Username
from asci_api.domain.instance import Hop
from asci_api.domain.ports import ContainerSpec, Engine, Mount
from asci_api.engine import labels
from tests.contract.engine.conftest import UID, EventReader, World, instance_of, seen, wait_until, with_home

NewSpec = Callable[..., ContainerSpec]


def running(world: World, spec: ContainerSpec) -> str:
    container = world.engine.create(spec)
    world.engine.start(container)
    return container


def test_facts_describe_the_engine(world: World) -> None:
    facts = world.engine.facts()
    assert facts.version
    assert facts.cpus >= 1
    assert facts.memory > 64 * 1024**2
    assert facts.gateway.count(".") == 3


def test_an_image_is_known_by_reference_and_by_id(world: World, new_spec: NewSpec) -> None:
    assert world.engine.image_id(world.image)
    assert not world.engine.image_id("asci/nobody-made-this:1")
    container = world.engine.create(new_spec())
    assert world.engine.image_id(seen(world.engine, container).image_id)


def test_a_created_container_is_described_and_not_yet_reachable(world: World, new_spec: NewSpec) -> None:
    spec, before = new_spec(), time.time()
    container = world.engine.create(spec)
    found = seen(world.engine, container)
    assert found == seen(world.engine, spec.name)
    assert (found.container, found.name, found.status) == (container, spec.name, "created")
    assert found.instance == instance_of(spec)
    assert spec.labels.items() <= found.labels.items()
    assert (found.exit_code, found.finished_at, found.endpoint) == (None, None, None)
    assert before - 2 < found.created_at < time.time() + 2


def test_declared_gpus_stand_on_the_container_and_ask_nothing_of_an_engine_without_cards(
    world: World, new_spec: NewSpec
) -> None:
    plain = new_spec()
    marks = {**plain.labels, labels.GPUS: str(LabelledGpus(("lab-0", "lab-1"), exclusive=True))}
    container = running(world, replace(plain, labels=marks, gpus=("lab-0", "lab-1")))
    (found,) = [each for each in world.engine.observe() if each.container == container]
    assert read_gpus(found.labels[labels.GPUS]) == LabelledGpus(("lab-0", "lab-1"), exclusive=True)
    assert found.status == "running"


def test_an_image_has_one_id_by_whichever_name_it_is_asked_for(world: World) -> None:
    known = world.engine.image_id(world.image)
    assert known.startswith("sha256:")
    assert world.engine.image_id(known) == known


def test_what_a_container_uses_is_told_while_it_runs(world: World, new_spec: NewSpec) -> None:
    container = running(world, new_spec())
    used = world.engine.usage(container)
    assert used is not None
    assert used.cpu_seconds > 0
    assert 0 < used.memory <= 64 * 1024**2
    world.engine.stop(container, 3.0)
    assert world.engine.usage(container) is None
    assert world.engine.usage("f" * 64) is None


def test_creating_again_adopts_the_first(world: World, new_spec: NewSpec) -> None:
    spec = new_spec()
    first = running(world, spec)
    assert world.engine.create(spec) == first
    assert seen(world.engine, first).status == "running"


def test_a_name_that_another_instance_has_is_refused(world: World, new_spec: NewSpec) -> None:
    spec = new_spec()
    world.engine.create(spec)
    other = replace(spec, labels={**spec.labels, labels.INSTANCE: "somebodyelse"})
    with pytest.raises(EngineFault) as fault:
        world.engine.create(other)
    assert fault.value.hop is Hop.CONTAINER


@pytest.mark.parametrize("image", ["asci/nobody-made-this:1", "sha256:" + "0" * 64])
def test_a_missing_image_is_said_so(world: World, new_spec: NewSpec, image: str) -> None:
    with pytest.raises(ImageMissing) as fault:
        world.engine.create(new_spec(image=image))
    assert fault.value.hop is Hop.IMAGE
    assert world.engine.observe() == []


def test_a_missing_home_is_made_and_the_start_repeated(world: World, new_spec: NewSpec) -> None:
    spec = with_home(world, new_spec(), "neuling")
    with pytest.raises(SourceMissing) as fault:
        world.engine.create(spec)
    assert fault.value.hop is Hop.MOUNT
    assert fault.value.source == spec.mounts[0].source
    world.engine.make_home(Username("neuling"), UID, UID, world.image)
    world.engine.make_home(Username("neuling"), UID, UID, world.image)
    container = running(world, spec)
    assert [each.container for each in world.engine.observe()] == [container]


def test_another_missing_folder_is_named(world: World, new_spec: NewSpec) -> None:
    missing = with_home(world, new_spec(), "nodata").mounts[0].source
    with pytest.raises(SourceMissing) as fault:
        world.engine.create(new_spec(mounts=(Mount(missing, "/data", read_only=True),)))
    assert fault.value.source == missing


def test_a_home_needs_the_image_too(world: World) -> None:
    with pytest.raises(ImageMissing):
        world.engine.make_home(Username("neuling"), UID, UID, "asci/nobody-made-this:1")


def test_a_started_container_is_reachable_and_starting_again_is_fine(world: World, new_spec: NewSpec) -> None:
    container = running(world, new_spec())
    found = seen(world.engine, container)
    assert found.status == "running"
    assert found.endpoint is not None
    assert found.endpoint.port > 1024
    assert found.endpoint.address == world.engine.facts().gateway
    world.engine.start(container)
    assert seen(world.engine, container).endpoint == found.endpoint


def test_starting_what_is_gone_is_a_fault_of_the_container(world: World) -> None:
    with pytest.raises(EngineFault) as fault:
        world.engine.start("asci-never-was")
    assert fault.value.hop is Hop.CONTAINER
    assert not fault.value.transient


def test_writing_reaches_only_what_runs(world: World, new_spec: NewSpec) -> None:
    container = world.engine.create(new_spec())
    command = ("head", "-c", "4")
    with pytest.raises(EngineFault) as fault:
        world.engine.write(container, f"{UID}:{UID}", command, b"abcd")
    assert fault.value.hop is Hop.CONTAINER
    world.engine.start(container)
    world.engine.write(container, f"{UID}:{UID}", command, b"abcd")
    with pytest.raises(EngineFault):
        world.engine.write("asci-never-was", f"{UID}:{UID}", command, b"abcd")


def test_stopping_is_repeatable_and_gone_is_stopped(world: World, new_spec: NewSpec) -> None:
    container = running(world, new_spec())
    world.engine.stop(container, 3.0)
    world.engine.stop(container, 3.0)
    found = seen(world.engine, container)
    assert (found.status, found.endpoint) == ("exited", None)
    assert found.exit_code is not None
    assert found.finished_at is not None
    assert not found.oom_killed
    world.engine.stop("asci-never-was", 3.0)


def test_what_stopped_can_start_again(world: World, new_spec: NewSpec) -> None:
    container = running(world, new_spec())
    world.engine.stop(container, 3.0)
    world.engine.start(container)
    found = seen(world.engine, container)
    assert (found.status, found.exit_code) == ("running", None)


@pytest.mark.parametrize("started", [False, True])
def test_removing_is_repeatable(world: World, new_spec: NewSpec, started: bool) -> None:
    container = world.engine.create(new_spec())
    if started:
        world.engine.start(container)
    world.engine.remove(container)
    world.engine.remove(container)
    assert world.engine.look(container) is None
    assert world.engine.observe() == []
    assert world.engine.logs(container, 10) == []


def test_the_list_has_all_states_and_how_they_ended(world: World, new_spec: NewSpec) -> None:
    created, runs, ended = (new_spec() for _ in range(3))
    world.engine.create(created)
    running(world, runs)
    running(world, ended)
    wait_until(lambda: seen(world.engine, runs.name).endpoint is not None)
    world.dies(instance_of(ended))
    found = {each.instance: each for each in world.engine.observe()}
    assert {name: each.status for name, each in found.items()} == {
        instance_of(created): "created",
        instance_of(runs): "running",
        instance_of(ended): "exited",
    }
    assert found[instance_of(ended)].exit_code == 0
    assert found[instance_of(ended)].finished_at is not None
    assert found[instance_of(runs)].endpoint == seen(world.engine, runs.name).endpoint


def test_a_container_removed_by_hand_is_gone(world: World, new_spec: NewSpec) -> None:
    spec = new_spec()
    container = running(world, spec)
    world.vanishes(instance_of(spec))
    assert world.engine.look(container) is None
    assert world.engine.observe() == []


def test_events_tell_of_the_instances_containers(world: World, new_spec: NewSpec) -> None:
    spec = new_spec()
    reader = EventReader(world.engine)
    container = running(world, spec)
    assert reader.next(instance_of(spec)) == "start"
    world.engine.stop(container, 3.0)
    assert reader.next(instance_of(spec)) == "die"
    world.engine.remove(container)
    assert reader.next(instance_of(spec)) == "destroy"


def test_pulling_what_cannot_be_fetched_says_so_at_the_image(world: World) -> None:
    told: list[int | None] = []
    with pytest.raises((ImageMissing, PullFailed)) as fault:
        world.engine.pull("127.0.0.1:9/asci/nobody-made-this:1", told.append)
    assert fault.value.detail
    assert fault.value.hop is Hop.IMAGE
    with pytest.raises(ImageMissing):
        world.engine.pull("sha256:" + "0" * 64, told.append)
    assert 100 not in told


CALLS: list[Callable[[Engine, ContainerSpec], object]] = [
    lambda engine, _: engine.facts(),
    lambda engine, _: engine.images(),
    lambda engine, _: engine.image_id("a:1"),
    lambda engine, _: engine.pull("127.0.0.1:9/a:1", lambda _: None),
    lambda engine, _: engine.observe(),
    lambda engine, _: engine.look("a"),
    lambda engine, _: engine.usage("a"),
    lambda engine, spec: engine.create(spec),
    lambda engine, _: engine.start("a"),
    lambda engine, _: engine.make_home(Username("mara"), UID, UID, "a:1"),
    lambda engine, _: engine.write("a", "1:1", ["true"], b""),
    lambda engine, _: engine.logs("a", 1),
    lambda engine, _: engine.stop("a", 1.0),
    lambda engine, _: engine.remove("a"),
    lambda engine, _: next(engine.events()),
]


@pytest.fixture
def sdk_sockets() -> Iterator[None]:
    """The SDK leaves the socket of a refused connection to the garbage collector."""
    yield
    gc.collect()


@pytest.mark.usefixtures("sdk_sockets")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("call", range(len(CALLS)))
def test_an_engine_that_is_away_says_so_in_every_call(world: World, new_spec: NewSpec, call: int) -> None:
    spec = new_spec()
    engine = world.away()
    with pytest.raises(EngineAway) as fault:
        CALLS[call](engine, spec)
    assert fault.value.transient
    assert fault.value.hop is Hop.NODE
