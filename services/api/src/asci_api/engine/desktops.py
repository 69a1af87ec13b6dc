"""One node's Docker Engine behind :class:`~asci_api.domain.ports.Engine`.

A start costs two calls (create, start): the network and the number of cores are remembered, and nothing is looked at
beforehand that the engine checks anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from asci_api.domain.errors import EngineAway, EngineFault
from asci_api.domain.identity import NodeName, Username
from asci_api.domain.instance import Hop
from asci_api.domain.node import EngineFacts, NodeImage
from asci_api.domain.ports import ContainerSpec, EngineEvent, Observed, Usage
from asci_api.engine import events, homes, images, labels, observed
from asci_api.engine.clients import QUICK_SECONDS, Clients
from asci_api.engine.container_body import instance_body
from asci_api.engine.container_spec import Homes
from asci_api.engine.exec_write import exec_write
from asci_api.engine.faults import BAD_REQUEST, CONFLICT, NOT_FOUND, status_of, translated
from asci_api.engine.gpus import has_nvidia, told_gpus
from asci_api.engine.network import InstancesNetwork

LINE_CHARACTERS = 2_000
LOG_CHARACTERS = 64_000
"""What is kept of a container's log, whatever its program wrote."""
_GONE = "The container of the session is gone."
_UNMADE = "The container could not be made."
_ASK = "Start the session again."
_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between looks at a container that another creator is making."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What containers depend on, and what hardly ever changes."""

    cores: float
    nvidia: bool
    """NVIDIA's runtime is there."""

    @classmethod
    def of(cls, info: dict[str, Any]) -> Machine:
        return cls(float(info["NCPU"]), has_nvidia(info))


class DockerEngine:
    """See the module's docstring. May be shared by threads: each has its own client. ``publish`` is the node's address
    on which ports are published; empty means the gateway of the instances' bridge."""

    def __init__(self, clients: Clients, installation: str, where: Homes, publish: str = "") -> None:
        self._clients = clients
        self._installation = installation
        self._homes = where
        self._publish = publish
        self._network = InstancesNetwork(clients, installation)
        self._machine: Machine | None = None

    @property
    def node(self) -> NodeName:
        return self._clients.address.node

    def facts(self) -> EngineFacts:
        with translated(self.node, Hop.NODE, f"Node {self.node} could not describe itself."):
            info: dict[str, Any] = self._clients.get().info()
            version: dict[str, Any] = self._clients.get().version(api_version=False)
            self._clients.learn(version)
        self._machine = Machine.of(info)
        return EngineFacts(
            version=str(version["Version"]),
            api=str(version["ApiVersion"]),
            cpus=self._machine.cores,
            memory=int(info["MemTotal"]),
            labels=dict(label.partition("=")[::2] for label in info.get("Labels") or ()),
            gateway=self._publish or self._network.look_again().gateway,
            gpus=told_gpus(info),
        )

    def images(self) -> list[NodeImage]:
        return images.environment_images(self._clients, self._installation)

    def image_id(self, image: str) -> str:
        return images.image_id(self._clients, image)

    def pull(self, image: str, progress: Callable[[int | None], None]) -> None:
        images.pull(self._clients, image, progress)

    def observe(self) -> list[Observed]:
        with translated(self.node, Hop.NODE, f"Node {self.node} could not list its containers."):
            found = self._clients.get().containers(
                all=True, filters={"label": labels.of_installation(self._installation, labels.INSTANCE)}
            )
        instances = [entry for entry in found if labels.JOB not in entry["Labels"]]
        return [seen for entry in instances if (seen := self._complete(observed.from_list(entry))) is not None]

    def look(self, container: str) -> Observed | None:
        try:
            with translated(self.node, Hop.CONTAINER, "The container of the session could not be looked at."):
                return observed.from_inspection(self._clients.get().inspect_container(container))
        except EngineFault as fault:
            if status_of(fault) == NOT_FOUND:
                return None
            raise

    def usage(self, container: str) -> Usage | None:
        try:
            with translated(self.node, Hop.CONTAINER, "The container could not be measured."):
                client: Any = self._clients.get()
                return observed.usage_of(client.stats(container, stream=False, one_shot=True))
        except EngineFault as fault:
            if status_of(fault) == NOT_FOUND:
                return None
            raise

    def create(self, spec: ContainerSpec) -> str:
        bridge = self._network.bridge()
        machine = self._known_machine()
        body = instance_body(spec, bridge.id, self._publish or bridge.gateway, machine.cores, nvidia=machine.nvidia)
        for pause in _PAUSES:
            container = self._make(spec, body) or self._adopt(spec)
            if container:
                return container
            time.sleep(pause)
        raise EngineFault(Hop.CONTAINER, _UNMADE, f"The engine is still busy with {spec.name}.", transient=True)

    def start(self, container: str) -> None:
        try:
            with translated(self.node, Hop.CONTAINER, "The container could not be started."):
                self._clients.get().start(container)
        except EngineAway:
            raise
        except EngineFault as fault:
            self._explain_start(container, fault)
            raise

    def make_home(self, username: Username, uid: int, gid: int, image: str) -> None:
        homes.make_home(self._clients, self._installation, self._homes, username, uid, gid, image)

    def write(self, container: str, user: str, command: Sequence[str], data: bytes) -> str:
        return exec_write(self._clients, container, user, command, data)

    def logs(self, container: str, lines: int) -> list[str]:
        try:
            with translated(self.node, Hop.CONTAINER, "The log of the session could not be read."):
                text: bytes = self._clients.get().logs(container, tail=lines)
        except EngineFault as fault:
            if status_of(fault) == NOT_FOUND:
                return []
            raise
        return _bounded(text.decode(errors="replace").splitlines()[-lines:])

    def stop(self, container: str, grace: float) -> None:
        """As the port says; a grace longer than a call may last ends in a transient fault, and the next call goes on
        waiting: the engine keeps its promise to kill by itself."""
        try:
            with translated(self.node, Hop.CONTAINER, "The session could not be ended."):
                self._ask_to_stop(container, grace)
        except EngineFault as fault:
            if status_of(fault) == NOT_FOUND:
                return
            if isinstance(fault, EngineAway) and self._still_ends(container):
                raise EngineFault(Hop.CONTAINER, "The session is still ending.", transient=True) from fault
            if not isinstance(fault, EngineAway):
                raise

    def remove(self, container: str) -> None:
        """As the port says. Anonymous volumes go with it; one that is being removed already is fine."""
        try:
            with translated(self.node, Hop.CONTAINER, "The container could not be removed."):
                self._clients.get().remove_container(container, force=True, v=True)
        except EngineFault as fault:
            if status_of(fault) not in {NOT_FOUND, CONFLICT}:
                raise

    def events(self) -> Iterator[EngineEvent]:
        return events.events(self._clients, self._installation)

    def close(self) -> None:
        """Close the connections of all threads."""
        self._clients.close()

    def _complete(self, seen: Observed) -> Observed | None:
        """The list does not tell how a container ended; None if it went meanwhile."""
        return self.look(seen.container) if seen.status in observed.ENDED else seen

    def _known_machine(self) -> Machine:
        if self._machine is None:
            with translated(self.node, Hop.NODE, f"Node {self.node} could not describe itself."):
                self._machine = Machine.of(self._clients.get().info())
        return self._machine

    def _make(self, spec: ContainerSpec, body: dict[str, Any]) -> str | None:
        """The new container, or None if its name is taken."""
        sources = [mount.source for mount in spec.mounts]
        try:
            with translated(self.node, Hop.CONTAINER, _UNMADE, image=spec.image, sources=sources):
                client: Any = self._clients.get()
                return str(client.create_container_from_config(body, name=spec.name)["Id"])
        except EngineFault as fault:
            if status_of(fault) != CONFLICT:
                raise
            return None

    def _adopt(self, spec: ContainerSpec) -> str | None:
        """The container that has the name: ours from an earlier try. None while there is none yet: an engine reserves
        the name first, so another creator (or our own try that timed out) may still be at it."""
        seen = self.look(spec.name)
        if seen is None:
            return None
        for label in (labels.INSTALLATION, labels.INSTANCE):
            if seen.labels.get(label) != spec.labels.get(label):
                detail = f"{spec.name} is {seen.container[:12]}, which has another {label}."
                raise EngineFault(Hop.CONTAINER, "The name of the container is taken.", detail, _ASK)
        return seen.container

    def _explain_start(self, container: str, fault: EngineFault) -> None:
        """Raise what is behind a refused start, if that is known: the container is gone, or its network is, and then
        the container is removed, so that the next create makes it on the new one."""
        seen = self.look(container)
        if seen is None:
            raise EngineFault(Hop.CONTAINER, _GONE, fault.detail, _ASK) from fault
        before = self._network.bridge()
        if status_of(fault) == BAD_REQUEST or seen.status != "created" or self._network.look_again() == before:
            return
        self.remove(seen.container)
        raise EngineFault(
            Hop.NODE, "The network of the sessions was replaced.", fault.detail, transient=True
        ) from fault

    def _ask_to_stop(self, container: str, grace: float) -> None:
        """The SDK's own stop waits for the grace besides its timeout, which would outlast the leader's lease."""
        client = self._clients.get()
        response = client.post(
            f"{client.base_url}/v{client.api_version}/containers/{container}/stop",
            params={"t": max(round(grace), 0)},
            timeout=QUICK_SECONDS,
        )
        response.raise_for_status()

    def _still_ends(self, container: str) -> bool:
        """Whether a silent stop is only a slow one. Raises ``EngineAway`` when the engine is silent altogether."""
        seen = self.look(container)
        return seen is not None and seen.status not in observed.ENDED


def _bounded(lines: list[str]) -> list[str]:
    """The last lines that fit: what a program writes without end must not fill the records."""
    kept: list[str] = []
    left = LOG_CHARACTERS
    for line in reversed(lines):
        cut = line if len(line) <= LINE_CHARACTERS else f"{line[:LINE_CHARACTERS]} …"
        left -= len(cut)
        if left < 0:
            break
        kept.append(cut)
    return kept[::-1]
