"""A Docker Engine in memory, held to the real adapter's behaviour by ``tests/contract/engine``.

``FakeEngine`` is one node. A test looks at ``containers``, ``pulled``, ``calls`` and decides what goes wrong:

* ``away = True``: every call raises ``EngineAway``;
* ``fail("create", error)``: the next call of that method raises; ``after=True``: it does its deed first, like a
  timeout on a slow engine; ``times=n``: the next n calls;
* ``upon("create", deed)``: runs ``deed()`` at the beginning of each such call (a slow call, a frozen leader);
* ``images_here``: what is on the node; ``registry``: what can be pulled; ``missing``: folders that do not exist;
* ``exits``, ``vanishes``, ``restarts``: what containers do by themselves.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from asci_api.domain.errors import EngineAway, EngineFault, ImageMissing, NotFound, SourceMissing
from asci_api.domain.identity import InstanceId, NodeName, Username
from asci_api.domain.instance import Endpoint, Hop, Instance
from asci_api.domain.node import EngineFacts, NodeImage, NodeRegistration, NodeSource
from asci_api.domain.ports import ContainerSpec, Engine, EngineEvent, Observed, Usage

GATEWAY = "192.0.2.1"
"""An address of the documentation range: nothing listens there."""


@dataclass
class FakeContainer:
    """What the fake remembers of one container."""

    id: str
    spec: ContainerSpec
    image_id: str
    created_at: float
    status: str = "created"
    exit_code: int | None = None
    oom_killed: bool = False
    finished_at: float | None = None
    endpoint: Endpoint | None = None
    ready: bool = True
    """What the readiness probe says while it runs."""
    usage: Usage = field(default_factory=lambda: Usage(0.1, 1024**2))
    log: list[str] = field(default_factory=list)
    written: list[tuple[str, tuple[str, ...], bytes]] = field(default_factory=list)
    """User, command and standard input of each ``write``."""

    def observed(self) -> Observed:
        return Observed(
            container=self.id,
            name=self.spec.name,
            instance=InstanceId(self.spec.labels.get("org.asci.instance", "")),
            labels=dict(self.spec.labels),
            status=self.status,
            created_at=self.created_at,
            exit_code=self.exit_code,
            oom_killed=self.oom_killed,
            finished_at=self.finished_at,
            endpoint=self.endpoint,
            image_id=self.image_id,
        )


@dataclass
class _Fault:
    error: Exception
    after: bool
    times: int


class FakeEngine:
    """One node's engine; see the module's docstring. ``clock`` gives Unix seconds."""

    def __init__(
        self,
        node: str = "local",
        *,
        clock: Callable[[], float] = time.time,
        facts: EngineFacts | None = None,
        images: Sequence[NodeImage] = (),
        homes: str = "/homes",
    ) -> None:
        self._node = NodeName(node)
        self._clock = clock
        self._facts = facts or EngineFacts("fake", "1.41", 8.0, 32 * 1024**3, gateway=GATEWAY)
        self._homes = homes
        self.away = False
        self.images_here: list[NodeImage] = list(images)
        self.registry: list[NodeImage] = []
        self.missing: set[str] = set()
        self.said = ""
        """What programs say that are run inside containers."""
        self.containers: dict[str, FakeContainer] = {}
        self.homes_made: list[tuple[str, int, int]] = []
        self.pulled: list[str] = []
        self.calls: list[tuple[str, str]] = []
        """Method and its subject, in order."""
        self._faults: dict[str, _Fault] = {}
        self._deeds: dict[str, Callable[[], object]] = {}
        self._events: queue.Queue[EngineEvent | None] = queue.Queue()
        self._next = 0

    # ---- what a test decides

    def fail(self, method: str, error: Exception, *, after: bool = False, times: int = 1) -> None:
        """The next ``times`` calls of ``method`` raise ``error``; with ``after`` once their deed is done."""
        self._faults[method] = _Fault(error, after, times)

    def upon(self, method: str, deed: Callable[[], object]) -> None:
        """Run ``deed`` at the beginning of each call of ``method``."""
        self._deeds[method] = deed

    def of(self, instance: str) -> FakeContainer:
        """The container of an instance. Raises KeyError."""
        for container in self.containers.values():
            if container.spec.labels.get("org.asci.instance") == instance:
                return container
        raise KeyError(instance)

    def exits(self, instance: str, code: int, *, oom: bool = False) -> None:
        """The instance's main process ends."""
        container = self.of(instance)
        container.oom_killed = oom
        self._ended(container, code)

    def vanishes(self, instance: str) -> None:
        """Somebody removes its container by hand."""
        container = self.of(instance)
        del self.containers[container.id]
        self._tell("destroy", container)

    def restarts(self) -> None:
        """The engine restarts: it kills what runs and comes back."""
        for container in self.containers.values():
            if container.status == "running":
                self._ended(container, 137)

    def adds_image(self, image: NodeImage) -> None:
        """An image is built or loaded on the node."""
        self.images_here.append(image)
        self._events.put(EngineEvent("image", "tag", None))

    def loses_image(self, reference: str) -> None:
        """An image is deleted from the node."""
        self.images_here = [image for image in self.images_here if reference not in (image.id, *image.tags)]
        self._events.put(EngineEvent("image", "delete", None))

    def end_events(self) -> None:
        """The connection that carries events ends once those before are read."""
        self._events.put(None)

    # ---- the Engine

    @property
    def node(self) -> NodeName:
        return self._node

    def facts(self) -> EngineFacts:
        self._begin("facts")
        self._end("facts")
        return self._facts

    def images(self) -> list[NodeImage]:
        self._begin("images")
        self._end("images")
        return [image for image in self.images_here if image.environment]

    def image_id(self, image: str) -> str:
        self._begin("image_id", image)
        self._end("image_id")
        found = self._image(image)
        return "" if found is None else found.id

    def pull(self, image: str, progress: Callable[[int | None], None]) -> None:
        self._begin("pull", image)
        # an id cannot be pulled
        found = next((known for known in self.registry if image in (*known.tags, known.digest)), None)
        if found is None:
            raise ImageMissing(image)
        for percent in (None, 0, 50, 100):
            progress(percent)
        self.images_here.append(found)
        self.pulled.append(image)
        self._end("pull")

    def observe(self) -> list[Observed]:
        self._begin("observe")
        self._end("observe")
        return [container.observed() for container in self.containers.values()]

    def look(self, container: str) -> Observed | None:
        self._begin("look", container)
        self._end("look")
        found = self._find(container)
        return None if found is None else found.observed()

    def usage(self, container: str) -> Usage | None:
        self._begin("usage", container)
        self._end("usage")
        found = self._find(container)
        return found.usage if found is not None and found.status == "running" else None

    def create(self, spec: ContainerSpec) -> str:
        self._begin("create", spec.name)
        known = self._find(spec.name)
        if known is None:
            known = self._make(spec)
        elif known.spec.labels.get("org.asci.instance") != spec.labels.get("org.asci.instance"):
            raise EngineFault(Hop.CONTAINER, f"The name {spec.name} is taken by another container.")
        self._end("create")
        return known.id

    def start(self, container: str) -> None:
        self._begin("start", container)
        found = self._must_find(container)
        if found.status != "running":
            self._next += 1
            found.status, found.exit_code, found.finished_at = "running", None, None
            found.endpoint = Endpoint(GATEWAY, 32767 + self._next)
            self._tell("start", found)
        self._end("start")

    def make_home(self, username: Username, uid: int, gid: int, image: str) -> None:
        self._begin("make_home", username)
        if self._image(image) is None:
            raise ImageMissing(image)
        self.missing.discard(f"{self._homes}/{username}")
        self.homes_made.append((username, uid, gid))
        self._end("make_home")

    def write(self, container: str, user: str, command: Sequence[str], data: bytes) -> str:
        self._begin("write", container)
        found = self._must_find(container)
        if found.status != "running":
            raise EngineFault(Hop.CONTAINER, "The container is not running.")
        found.written.append((user, tuple(command), data))
        self._end("write")
        return self.said

    def logs(self, container: str, lines: int) -> list[str]:
        self._begin("logs", container)
        self._end("logs")
        found = self._find(container)
        return [] if found is None else found.log[-lines:]

    def stop(self, container: str, grace: float) -> None:
        self._begin("stop", container)
        found = self._find(container)
        if found is not None and found.status == "running":
            self._ended(found, 143)
        self._end("stop")

    def remove(self, container: str) -> None:
        self._begin("remove", container)
        found = self._find(container)
        if found is not None:
            del self.containers[found.id]
            if found.status == "running":
                self._tell("die", found)
            self._tell("destroy", found)
        self._end("remove")

    def events(self) -> Iterator[EngineEvent]:
        self._begin("events")
        self._end("events")
        return iter(self._events.get, None)

    # ---- inside

    def _begin(self, method: str, subject: str = "") -> None:
        self.calls.append((method, subject))
        if (deed := self._deeds.get(method)) is not None:
            deed()
        if self.away:
            raise EngineAway(self._node)
        self._raise(method, after=False)

    def _end(self, method: str) -> None:
        self._raise(method, after=True)

    def _raise(self, method: str, *, after: bool) -> None:
        fault = self._faults.get(method)
        if fault is None or fault.after is not after:
            return
        fault.times -= 1
        if fault.times <= 0:
            del self._faults[method]
        raise fault.error

    def _image(self, reference: str) -> NodeImage | None:
        here = self.images_here
        return next((image for image in here if reference and reference in (image.id, image.digest, *image.tags)), None)

    def _find(self, container: str) -> FakeContainer | None:
        for known in self.containers.values():
            if container in (known.id, known.spec.name):
                return known
        return None

    def _must_find(self, container: str) -> FakeContainer:
        found = self._find(container)
        if found is None:
            raise EngineFault(Hop.CONTAINER, "The container is gone.", f"No container {container} on the node.")
        return found

    def _make(self, spec: ContainerSpec) -> FakeContainer:
        image = self._image(spec.image)
        if image is None:
            raise ImageMissing(spec.image)
        for mount in spec.mounts:
            if mount.source in self.missing:
                raise SourceMissing(mount.source)
        self._next += 1
        made = FakeContainer(f"{self._next:064x}", spec, image.id, self._clock())
        self.containers[made.id] = made
        return made

    def _ended(self, container: FakeContainer, code: int) -> None:
        container.status, container.exit_code = "exited", code
        container.finished_at, container.endpoint = self._clock(), None
        self._tell("die", container)

    def _tell(self, action: str, container: FakeContainer) -> None:
        self._events.put(EngineEvent("container", action, container.observed().instance))


class FakeEngines:
    """Engines by node name."""

    def __init__(self, *engines: FakeEngine) -> None:
        self.by_name = {engine.node: engine for engine in engines}
        self.registered: dict[NodeName, NodeRegistration] = {}
        """What a test says of how a node was registered."""

    def names(self) -> list[NodeName]:
        return list(self.by_name)

    def registrations(self) -> dict[NodeName, NodeRegistration]:
        built_in = {name: NodeRegistration(name, "unix:///fake", source=NodeSource.BUILT_IN) for name in self.by_name}
        return {name: self.registered.get(name, plain) for name, plain in built_in.items()}

    def get(self, node: NodeName) -> Engine:
        if node not in self.by_name:
            raise NotFound(f"There is no node {node}.")
        return self.by_name[node]


class FakeReadiness:
    """Answers as the instance's fake container is told to (``FakeContainer.ready``)."""

    def __init__(self, engines: FakeEngines) -> None:
        self._engines = engines

    def ready(self, instance: Instance, endpoint: Endpoint) -> bool:
        for engine in self._engines.by_name.values():
            for container in engine.containers.values():
                if container.endpoint == endpoint:
                    return container.ready and container.status == "running"
        return False
