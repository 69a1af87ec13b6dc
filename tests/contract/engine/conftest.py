"""One suite, two engines: the fake in memory and the real one of this machine."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import pytest

from asci_api.domain.identity import InstanceId, Username, new_instance_id
from asci_api.domain.node import NodeImage
from asci_api.domain.ports import ContainerSpec, Engine, EngineEvent, Mount, Observed
from asci_api.engine import labels
from tests.support.engine_lab import EngineLab, skip_without_engine
from tests.support.fake_engine import FakeEngine

USER = Username("mara")
UID = 24117


class World(Protocol):
    """An engine and what happens around it."""

    @property
    def engine(self) -> Engine: ...
    @property
    def image(self) -> str: ...
    @property
    def installation(self) -> str: ...

    def without(self, username: str) -> str:
        """The source of a home that does not exist."""

    def dies(self, instance: str) -> None:
        """The instance's program ends by itself, with 0."""

    def vanishes(self, instance: str) -> None:
        """Its container is removed by hand."""

    def away(self) -> Engine:
        """The engine as it is when nobody answers."""


@dataclass
class FakeWorld:
    engine: FakeEngine
    image: str
    installation: str = "fake"

    def without(self, username: str) -> str:
        self.engine.missing.add(f"/homes/{username}")
        return f"/homes/{username}"

    def dies(self, instance: str) -> None:
        self.engine.exits(instance, 0)

    def vanishes(self, instance: str) -> None:
        self.engine.vanishes(instance)

    def away(self) -> Engine:
        self.engine.away = True
        return self.engine


@dataclass
class RealWorld:
    engine: Engine
    lab: EngineLab

    @property
    def image(self) -> str:
        return self.lab.image

    @property
    def installation(self) -> str:
        return self.lab.installation

    def without(self, username: str) -> str:
        return f"{self.lab.homes}/{username}"

    def dies(self, instance: str) -> None:
        container = f"asci-{self.lab.installation}-{instance}"
        self.lab.api.kill(container, "TERM")
        self.lab.api.wait(container, timeout=10)

    def vanishes(self, instance: str) -> None:
        self.lab.api.remove_container(f"asci-{self.lab.installation}-{instance}", force=True)

    def away(self) -> Engine:
        return self.lab.engine(f"unix://{self.lab.folder}/nobody.sock")


@pytest.fixture(scope="session")
def lab() -> Iterator[EngineLab]:
    """The real engine's corner for the whole run."""
    skip_without_engine()
    with EngineLab() as made:
        yield made


@pytest.fixture
def clean_lab(lab: EngineLab, request: pytest.FixtureRequest) -> Iterator[EngineLab]:
    """The lab, swept afterwards; says what it held when the test failed."""
    failed = request.session.testsfailed
    yield lab
    if request.session.testsfailed > failed:
        print(lab.report())
    lab.close_engines()
    lab.sweep()


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> World:
    """Each test of the contract runs on both."""
    if request.param == "real":
        lab: EngineLab = request.getfixturevalue("clean_lab")
        return RealWorld(lab.engine(), lab)
    engine = FakeEngine(images=[NodeImage("sha256:" + "1" * 64, ("asci/tiny:1",), 10)])
    return FakeWorld(engine, "asci/tiny:1")


@pytest.fixture
def new_spec(world: World) -> Callable[..., ContainerSpec]:
    """Makes the specification of a fresh instance."""
    return spec_maker(world.installation, world.image)


def spec_maker(installation: str, image: str) -> Callable[..., ContainerSpec]:
    """Makes specifications of fresh instances of a small image."""

    def make(**changes: object) -> ContainerSpec:
        instance = new_instance_id()
        spec = ContainerSpec(
            name=f"asci-{installation}-{instance}",
            image=image,
            labels={
                labels.INSTALLATION: installation,
                labels.INSTANCE: instance,
                labels.OWNER: USER,
                labels.ENVIRONMENT: "tiny",
            },
            environment={"ASCI_USER": USER},
            user=f"{UID}:{UID}",
            groups=("30007",),
            mounts=(),
            tmpfs={"/run/asci": f"uid={UID},gid={UID},mode=0700,size=1m", "/tmp": "exec,mode=1777,size=1m"},
            port=5901,
            network=f"asci-{installation}-instances",
            hostname=instance,
            cpus=0.5,
            memory=64 * 1024**2,
            shm=1024**2,
            pids=64,
        )
        return replace(spec, **changes)  # type: ignore[arg-type]

    return make


def instance_of(spec: ContainerSpec) -> InstanceId:
    return InstanceId(spec.labels[labels.INSTANCE])


def with_home(world: World, spec: ContainerSpec, username: str) -> ContainerSpec:
    """The same with a home folder that does not exist yet."""
    return replace(spec, mounts=(Mount(world.without(username), f"/home/{username}"),))


def seen(engine: Engine, container: str) -> Observed:
    """One that must be there."""
    found = engine.look(container)
    assert found is not None
    return found


def wait_until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Look again and again, at most ``seconds``."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


class EventReader:
    """Reads an engine's events in a thread of its own, until a container is destroyed; the stream stands once made."""

    def __init__(self, engine: Engine) -> None:
        self._events: queue.Queue[EngineEvent] = queue.Queue()
        self.all: list[EngineEvent] = []
        self._stands = threading.Event()
        threading.Thread(target=self._read, args=(engine,), daemon=True).start()
        assert self._stands.wait(10)

    def _read(self, engine: Engine) -> None:
        stream = engine.events()
        self._stands.set()
        for event in stream:
            self._events.put(event)
            self.all.append(event)
            if event.action == "destroy":
                return

    def next(self, instance: InstanceId) -> str:
        """The next action told of a container."""
        while True:
            event = self._events.get(timeout=20)
            if event.instance == instance:
                return event.action
