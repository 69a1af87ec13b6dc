"""What admins decide, in memory: policy, registrations, overlays, switches; and the charts' samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from asci_api.domain.environment import EnvironmentSwitch
from asci_api.domain.errors import Conflict, Restoring
from asci_api.domain.identity import NodeName
from asci_api.domain.node import NodeOverlay, NodeRegistration
from asci_api.domain.policy import Policy
from asci_api.domain.ports import Fence
from asci_api.domain.stats import STEPS, StatsSample, thinned
from asci_shared.redis_contract import Ring
from tests.support.memory.state import State


@dataclass(slots=True)
class MemoryPolicies:
    """Satisfies ``Policies``."""

    state: State
    fence: Fence | None = None

    def get(self) -> Policy:
        with self.state.open() as data:
            found: Policy | None = self.state.table("policy").get("policy")
            if found is None and data.sentinel is None:
                raise Restoring
            return found or Policy()

    def change(self, step: Callable[[Policy], Policy]) -> Policy:
        while True:
            before = self.get()
            after = replace(step(before), revision=before.revision)
            if after == before:
                return before
            with self.state.write(self.fence):
                if self.get() == before:
                    self.state.wake("")
                    self.state.table("policy")["policy"] = replace(after, revision=before.revision + 1)
                    return self.get()


@dataclass(slots=True)
class MemoryRegistrations:
    """Satisfies ``Registrations``."""

    state: State
    fence: Fence | None = None

    def all(self) -> list[NodeRegistration]:
        with self.state.open():
            self.state.standing()
            return [one for _, one in sorted(self.state.table("registration").items())]

    def add(self, registration: NodeRegistration) -> None:
        with self.state.write(self.fence):
            table = self.state.table("registration")
            if table.setdefault(registration.name, registration) != registration:
                raise Conflict(f"There is a node {registration.name} already.", slug="node-exists")
            self.state.wake("")

    def remove(self, node: NodeName) -> None:
        with self.state.write(self.fence):
            self.state.table("overlay").pop(node, None)
            self.state.table("registration").pop(node, None)
            self.state.wake("")


@dataclass(slots=True)
class MemoryOverlays:
    """Satisfies ``Overlays``."""

    state: State
    fence: Fence | None = None

    def all(self) -> Mapping[NodeName, NodeOverlay]:
        with self.state.open():
            self.state.standing()
            return dict(self.state.table("overlay"))

    def change(self, node: NodeName, step: Callable[[NodeOverlay], NodeOverlay]) -> NodeOverlay:
        while True:
            before = self.all().get(node)
            after = step(before or NodeOverlay())
            if after == before:
                return after
            with self.state.write(self.fence):
                if self.all().get(node) == before:
                    self.state.table("overlay")[node] = after
                    self.state.wake("")
                    return after


@dataclass(slots=True)
class MemorySwitches:
    """Satisfies ``Switches``."""

    state: State
    rung: list[Ring] = field(default_factory=list)
    fence: Fence | None = None

    def all(self) -> Mapping[str, EnvironmentSwitch]:
        with self.state.open():
            self.state.standing()
            return dict(self.state.table("switch"))

    def change(self, environment: str, step: Callable[[EnvironmentSwitch], EnvironmentSwitch]) -> EnvironmentSwitch:
        while True:
            found = self.all().get(environment)
            before = found or EnvironmentSwitch()
            after = replace(step(before), revision=before.revision)
            if after == before:
                return before
            with self.state.write(self.fence):
                if self.all().get(environment) == found:
                    self.state.table("switch")[environment] = replace(after, revision=before.revision + 1)
                    self.state.wake("")
                    self.rung.append(Ring("catalogue"))
                    return self.all()[environment]


@dataclass(slots=True)
class MemoryStats:
    """Satisfies ``Stats``. Keeps for ever: what Redis forgets, it merely may forget."""

    state: State
    fence: Fence | None = None

    def add(self, sample: StatsSample) -> None:
        with self.state.write(self.fence):
            if not self._put(STEPS[0][0], sample, sample.at):
                return
            for (fine, _), (coarse, _) in pairwise(STEPS):
                self._thin(fine, coarse, sample.at)

    def since(self, at: float, step: int) -> list[StatsSample]:
        with self.state.open():
            return [one for slot, one in self.state.table(f"stats:{step}").items() if slot >= at]

    def _thin(self, fine: int, coarse: int, now: float) -> None:
        over: dict[int, list[StatsSample]] = {}
        for sample in self.since(0, fine):
            over.setdefault(int(sample.at) // coarse * coarse, []).append(sample)
        for at, samples in over.items():
            if at + coarse <= now:
                self._put(coarse, thinned(samples, float(at)), float(at))

    def _put(self, step: int, sample: StatsSample, at: float) -> bool:
        table, slot = self.state.table(f"stats:{step}"), int(at) // step * step
        if table and slot <= max(table):
            return False
        table[slot] = sample
        return True
