"""Which nodes admins registered, and what they decided over nodes and environments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from asci_api.domain.environment import EnvironmentSwitch
from asci_api.domain.errors import Conflict
from asci_api.domain.identity import NodeName
from asci_api.domain.node import NodeOverlay, NodeRegistration
from asci_api.store import keys
from asci_api.store.documents import Documents
from asci_api.store.redis import Door
from asci_shared.redis_contract import Ring


@dataclass(slots=True)
class RedisRegistrations:
    """Satisfies ``Registrations``."""

    door: Door
    _table: Documents[NodeRegistration] = field(init=False)
    _overlays: Documents[NodeOverlay] = field(init=False)

    def __post_init__(self) -> None:
        self._table = Documents(self.door, keys.REGISTRATIONS, "registration", NodeRegistration)
        self._overlays = overlays(self.door)

    def all(self) -> list[NodeRegistration]:
        return [one for _, one in sorted(self._table.all().items())]

    def add(self, registration: NodeRegistration) -> None:
        if not self._table.add(registration.name, registration):
            raise Conflict(f"There is a node {registration.name} already.", slug="node-exists")

    def remove(self, node: NodeName) -> None:
        self._overlays.remove(node)  # first: a node that comes back under the name begins anew
        self._table.remove(node)


@dataclass(slots=True)
class RedisOverlays:
    """Satisfies ``Overlays``."""

    door: Door
    _table: Documents[NodeOverlay] = field(init=False)

    def __post_init__(self) -> None:
        self._table = overlays(self.door)

    def all(self) -> Mapping[NodeName, NodeOverlay]:
        return {NodeName(name): one for name, one in self._table.all().items()}

    def change(self, node: NodeName, step: Callable[[NodeOverlay], NodeOverlay]) -> NodeOverlay:
        return self._table.change(node, lambda before: step(before or NodeOverlay()))


@dataclass(slots=True)
class RedisSwitches:
    """Satisfies ``Switches``."""

    door: Door
    _table: Documents[EnvironmentSwitch] = field(init=False)

    def __post_init__(self) -> None:
        ring = Ring("catalogue").to_json()
        self._table = Documents(self.door, keys.SWITCHES, "switch", EnvironmentSwitch, ring)

    def all(self) -> Mapping[str, EnvironmentSwitch]:
        return self._table.all()

    def change(self, environment: str, step: Callable[[EnvironmentSwitch], EnvironmentSwitch]) -> EnvironmentSwitch:
        def raised(found: EnvironmentSwitch | None) -> EnvironmentSwitch:
            before = found or EnvironmentSwitch()
            after = step(before)
            unchanged = replace(after, revision=before.revision) == before
            return before if unchanged else replace(after, revision=before.revision + 1)

        return self._table.change(environment, raised)


def overlays(door: Door) -> Documents[NodeOverlay]:
    """The table of what admins decided over nodes."""
    return Documents(door, keys.OVERLAYS, "overlay", NodeOverlay)
