"""The lab cluster beside a composed installation, and what can be done to it: engines, nodes, registry, disks.

Knows only scripts, containers and their labels; nothing of the services.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import APIClient

from tests.support.composed import Installation, docker, engine_socket
from tests.support.tiny_image import import_tiny_image

RESERVE = "asci-lab-ballast"


@dataclass(frozen=True)
class Alive:
    """One life of a container: these change when it is started again, replaced, or ends."""

    container: str
    started: str
    pid: int


class Lab:
    """The nodes and the registry of one installation."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._folder = installation.state / "cluster"

    # -- what there is

    @property
    def folder(self) -> Path:
        """Certificates and members."""
        return self._folder

    def nodes(self) -> list[str]:
        """Names of its nodes."""
        return [line.split()[0] for line in (self._folder / "members").read_text().splitlines()]

    def address(self, node: str) -> str:
        """A node's address."""
        lines = (self._folder / "members").read_text().splitlines()
        numbers = {name: number for name, number, *_ in (line.split() for line in lines)}
        return f"{self._prefix()}.{numbers[node]}"

    @property
    def registry(self) -> str:
        """``address:port`` of the registry."""
        return f"{self._prefix()}.2:5000"

    def container(self, member: str) -> str:
        """Name of the container of a node, or of ``registry``."""
        return f"asci-{self._installation.name}-lab-{member}"

    # -- looking inside

    def on(self, node: str, *arguments: str, timeout: float = 60.0) -> str:
        """A docker command on a node; on this machine for ``local``."""
        if node == "local":
            return docker(*arguments, timeout=timeout)
        return docker("exec", self.container(node), "docker", *arguments, timeout=timeout)

    def alive(self, node: str, instance: str) -> Alive:
        """The life of an instance's container. Raises RuntimeError when there is none, AssertionError when it ended."""
        facts = json.loads(self.on(node, "inspect", f"asci-{self._installation.name}-{instance}"))[0]
        assert facts["State"]["Running"], f"{instance} on {node} does not run: {facts['State']}"
        return Alive(facts["Id"], facts["State"]["StartedAt"], int(facts["State"]["Pid"]))

    def instances_on(self, node: str, *, everything: bool = False) -> list[str]:
        """Ids of instances whose container is on a node: those that run, or all that are there."""
        label = f"label=org.asci.installation={self._installation.name}"
        shape = '{{.Label "org.asci.instance"}}'
        more = ["--all"] if everything else []
        said = self.on(node, "ps", *more, "--filter", label, "--filter", "label=org.asci.instance", "--format", shape)
        return said.split()

    # -- what breaks

    def kill_engine(self, node: str) -> None:
        """dockerd is killed and stays away; its containers do not notice."""
        docker("exec", self.container(node), "engine", "kill")

    def start_engine(self, node: str) -> None:
        """dockerd comes again."""
        docker("exec", self.container(node), "engine", "start")

    def kill_node(self, node: str) -> None:
        """As if the machine's power failed."""
        docker("kill", self.container(node))

    def start_node(self, node: str) -> None:
        """Power is back, and the engine answers."""
        docker("start", self.container(node))
        docker("exec", self.container(node), "engine", "start")

    def runs(self, member: str) -> bool:
        """Whether a member's container runs."""
        return docker("inspect", "--format", "{{.State.Running}}", self.container(member)).strip() == "true"

    def fill_disk(self, node: str) -> None:
        """Takes what is free on a node's disk."""
        command = f"cat /dev/zero >/var/lib/docker/{RESERVE} 2>/dev/null; true"
        docker("exec", self.container(node), "sh", "-c", command)

    def free_disk(self, node: str) -> None:
        """Gives it back."""
        docker("exec", self.container(node), "rm", "-f", f"/var/lib/docker/{RESERVE}")

    # -- what is added

    def add_desktop(self, entry: dict[str, Any]) -> None:
        """An environment on the plain desktop, pushed to the registry."""
        self._push(self._installation.add_environment(_whole(entry, "desktop")), entry["name"])

    def add_tiny(self, entry: dict[str, Any], files: dict[str, str] | None = None) -> None:
        """An environment of a few megabytes, kind ``service``, pushed to the registry."""
        label = {
            "org.asci.environment": json.dumps(_whole(entry, "service")),
            "org.asci.installation": self._installation.name,
        }
        api = APIClient(base_url=f"unix://{engine_socket()}")
        api.trust_env = False
        image = f"asci/env-{entry['name']}-{self._installation.name}:test"
        try:
            import_tiny_image(api, image, label, files)
        finally:
            api.close()
        self._push(image, entry["name"])

    def add_small_node(self, name: str, size: str) -> None:
        """One node more, whose disk is that small."""
        self._installation.script("cluster", "--small", size, "--environments", "desktop", name)

    def _push(self, image: str, name: str) -> None:
        there = f"{self.registry}/asci/env-{name}:test"
        docker("tag", image, there)
        docker("push", "--quiet", there, timeout=180.0)
        # from here on it is the registry's alone, as on a site with many nodes
        docker("rmi", image, there)

    def _prefix(self) -> str:
        return (self._folder / "lab.env").read_text().strip().removeprefix("LAB_PREFIX=")


def _whole(entry: dict[str, Any], kind: str) -> dict[str, Any]:
    """An entry with what the schema wants besides."""
    base = {"title": entry["name"].title(), "description": "For tests.", "icon": "monitor", "tags": ["trial"]}
    port = {"port": 5901} if kind == "desktop" else {}
    return {**base, "kind": kind, **port, **entry}
