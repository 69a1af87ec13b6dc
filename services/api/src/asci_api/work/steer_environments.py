"""The catalogue as admins see and change it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from asci_api.domain.environment import Allow, Environment, EnvironmentSwitch
from asci_api.domain.errors import Conflict
from asci_api.domain.identity import Caller, NodeName
from asci_api.work.find_environments import Offer, find_environments, operators_environment
from asci_api.work.find_nodes import must_be_admin, must_steer
from asci_api.work.front_desk import FrontDesk
from asci_api.work.present_node import environment_of
from asci_shared.logging import get_logger

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SteeredOffer:
    """An environment with what admins need to know of it."""

    offer: Offer
    switch: EnvironmentSwitch
    nodes_with_image: int


@dataclass(frozen=True, slots=True)
class EnvironmentChange:
    """What is left out stays."""

    enabled: bool | None = None
    allow: Allow | None = None
    clear_allow: bool = False
    """As label and overlay say again."""

    def over(self, now: EnvironmentSwitch) -> EnvironmentSwitch:
        enabled = now.enabled if self.enabled is None else self.enabled
        return replace(now, enabled=enabled, allow=None if self.clear_allow else self.allow or now.allow)

    @property
    def deed(self) -> str:
        """What the audit calls it."""
        if self.enabled is None:
            return "environment.allow"
        return "environment.enable" if self.enabled else "environment.disable"

    @property
    def facts(self) -> dict[str, str]:
        """What the audit keeps of it."""
        if self.clear_allow:
            return {"allow": "as image and overlay say"}
        if self.allow is None:
            return {}
        groups, people = ", ".join(self.allow.groups), ", ".join(self.allow.people)
        return {"groups": groups or "none", "people": people or "none"} if groups or people else {"allow": "everybody"}


def find_steered(desk: FrontDesk, caller: Caller) -> list[SteeredOffer]:
    """All of them, by title. Raises ``NotAllowed``."""
    must_be_admin(caller)
    switches, holders = desk.switches.all(), _holders(desk)
    return [
        SteeredOffer(
            offer,
            switches.get(offer.environment.name, EnvironmentSwitch()),
            len(holders[offer.environment.name]),
        )
        for offer in find_environments(desk, caller)
    ]


def change_environment(desk: FrontDesk, caller: Caller, name: str, change: EnvironmentChange) -> SteeredOffer:
    """Lay it over the environment; how it is offered now.

    Raises ``NotAllowed``, ``NotFound`` (``unknown-environment``), ``Conflict`` (``disabled-by-operator``)."""
    must_steer(desk, caller, change.deed, name)
    environment = operators_environment(desk, name)
    if change.enabled and not environment.enabled:
        desk.note(caller, change.deed, name, "disabled-by-operator")
        raise _disabled(environment)
    before: list[EnvironmentSwitch] = []

    def step(now: EnvironmentSwitch) -> EnvironmentSwitch:
        before[:] = [now]
        return change.over(now)

    after = desk.switches.change(name, step)
    if [after] != before:
        desk.note(caller, change.deed, name, **change.facts)
        _log.info("environment.changed", environment=name, deed=change.deed, by=caller.person.username)
    return next(one for one in find_steered(desk, caller) if one.offer.environment.name == name)


def _holders(desk: FrontDesk) -> dict[str, set[NodeName]]:
    """Which nodes have which environment's image; by name of the environment."""
    found: dict[str, set[NodeName]] = defaultdict(set)
    for node in desk.cluster.nodes() or ():
        for image in node.images:
            if name := environment_of(image):
                found[name].add(node.name)
    return found


def _disabled(environment: Environment) -> Conflict:
    return Conflict(
        f"The operator's overlay.yaml switches {environment.title} off.",
        next_step="Take the line enabled: false out of overlay.yaml.",
        slug="disabled-by-operator",
    )
