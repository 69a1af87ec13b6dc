"""The engines that are registered, by node name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from asci_api.domain.errors import NotFound
from asci_api.domain.identity import NodeName
from asci_api.engine.clients import Clients, EngineAddress
from asci_api.engine.container_spec import Homes
from asci_api.engine.desktops import DockerEngine

LOCAL = NodeName("local")
"""The machine that ASCI itself runs on."""
DEFAULT_URL = "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class Registration:
    """A node as it was registered. ``publish`` is the private address on which its instances' ports are published;
    empty means the gateway of the instances' bridge, which only the node itself reaches."""

    address: EngineAddress
    publish: str = ""


class RegisteredEngines:
    """Satisfies :class:`~asci_api.domain.ports.Engines`. Connects to nothing before an engine is used."""

    def __init__(self, installation: str, homes: Homes, registrations: Iterable[Registration]) -> None:
        self._engines = {
            each.address.node: DockerEngine(Clients(each.address), installation, homes, each.publish)
            for each in registrations
        }

    def names(self) -> list[NodeName]:
        return list(self._engines)

    def get(self, node: NodeName) -> DockerEngine:
        """The node's engine; its client is the calling thread's own. Raises ``NotFound``."""
        engine = self._engines.get(node)
        if engine is None:
            raise NotFound(f"There is no node {node}.")
        return engine

    def close(self) -> None:
        """Close all connections."""
        for engine in self._engines.values():
            engine.close()


def local(url: str = DEFAULT_URL) -> Registration:
    """The engine of this very machine."""
    return Registration(EngineAddress(LOCAL, url))
