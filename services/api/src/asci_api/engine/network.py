"""The bridge that instances join: no traffic between containers, no way to the control plane (design, section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docker.errors import APIError

from asci_api.domain.errors import EngineFault
from asci_api.domain.instance import Hop
from asci_api.engine import labels
from asci_api.engine.clients import Clients
from asci_api.engine.faults import CONFLICT, translated

_OPTIONS = {"com.docker.network.bridge.enable_icc": "false"}


@dataclass(frozen=True, slots=True)
class Bridge:
    """The network as the engine knows it; ports are published on its gateway."""

    id: str
    gateway: str


class InstancesNetwork:
    """Finds or makes the installation's bridge on one node, and remembers it."""

    def __init__(self, clients: Clients, installation: str) -> None:
        self._clients = clients
        self._installation = installation
        self._name = labels.network_name(installation)
        self._known: Bridge | None = None

    def bridge(self) -> Bridge:
        """The remembered bridge, else found or made. Several creators at once end up with the same one."""
        return self._known or self.look_again()

    def look_again(self) -> Bridge:
        """Find it anew, make it if it is gone. Raises ``EngineFault`` (node)."""
        node = self._clients.address.node
        with translated(node, Hop.NODE, f"Node {node} could not make the network of the sessions."):
            found = self._oldest()
            if found is None:
                found = self._make()
            self._known = _bridge(found)
        return self._known

    def _make(self) -> dict[str, Any]:
        client = self._clients.get()
        mine = ""
        try:
            made = client.create_network(
                self._name,
                driver="bridge",
                options=_OPTIONS,
                labels={labels.INSTALLATION: self._installation},
                check_duplicate=True,
            )
            mine = str(made["Id"])
        except APIError as error:
            if error.status_code != CONFLICT:
                raise
        oldest = self._oldest()
        if oldest is None:
            raise EngineFault(Hop.NODE, "The network of the sessions vanished.", self._name, transient=True)
        if mine and oldest["Id"] != mine:
            client.remove_network(mine)
        return oldest

    def _oldest(self) -> dict[str, Any] | None:
        """Engines can be raced into two networks of one name: everybody takes the first of them."""
        found = self._clients.get().networks(names=[self._name])
        mine = [network for network in found if network["Name"] == self._name]
        return min(mine, key=lambda network: (network["Created"], network["Id"]), default=None)


def _bridge(network: dict[str, Any]) -> Bridge:
    for block in network["IPAM"]["Config"] or ():
        gateway = str(block.get("Gateway", ""))
        if gateway and ":" not in gateway:
            return Bridge(str(network["Id"]), gateway)
    raise EngineFault(Hop.NODE, "The network of the sessions has no IPv4 gateway.", str(network["Name"]))
