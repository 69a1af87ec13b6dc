"""The catalogue as one person sees it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from asci_api.domain.environment import Environment, EnvironmentSwitch
from asci_api.domain.errors import NotFound, Unavailable
from asci_api.domain.identity import Caller, Person
from asci_api.domain.instance import State
from asci_api.work.front_desk import FrontDesk

UNKNOWN_ENVIRONMENT = "unknown-environment"


@dataclass(frozen=True, slots=True)
class Offer:
    """An environment, and whether this person may start it."""

    environment: Environment
    reason: str
    """Why she may not start it, one sentence; empty where she may."""
    usual_seconds: float | None
    """Median seconds of the last starts."""
    waiting: int
    """How many instances of it are queued."""

    @property
    def startable(self) -> bool:
        return not self.reason


def find_environments(desk: FrontDesk, caller: Caller) -> list[Offer]:
    """All of them, by title. Empty before the first look at the engines."""
    switches = desk.switches.all()
    offered = [switches.get(one.name, EnvironmentSwitch()).over(one) for one in desk.cluster.environments() or []]
    environments = sorted(offered, key=lambda one: (one.title.casefold(), one.name))
    return _offers(desk, caller.person, environments)


def find_environment(desk: FrontDesk, caller: Caller, name: str) -> Offer:
    """One of them. Raises ``NotFound`` (``unknown-environment``), ``Unavailable`` before the first look."""
    return _offers(desk, caller.person, [environment_named(desk, name)])[0]


def environment_named(desk: FrontDesk, name: str) -> Environment:
    """As it is offered. Raises as :func:`operators_environment`."""
    return desk.switches.all().get(name, EnvironmentSwitch()).over(operators_environment(desk, name))


def operators_environment(desk: FrontDesk, name: str) -> Environment:
    """As its image and the operator's overlay describe it, whatever admins decided.

    Raises ``NotFound`` (``unknown-environment``); ``Unavailable`` before the first look, when nothing is known."""
    environments = desk.cluster.environments()
    if environments is None:
        raise Unavailable("The catalogue is being read.", slug="no-catalogue")
    found = next((one for one in environments if one.name == name), None)
    if found is None:
        raise NotFound(
            "There is no such environment.",
            detail=f"No environment is called {name}.",
            next_step="Choose one from the catalogue.",
            slug=UNKNOWN_ENVIRONMENT,
        )
    return found


def reason_against(environment: Environment, person: Person) -> str:
    """Why a person may not start it, one sentence; empty where she may."""
    if not environment.enabled:
        return "Not offered at the moment."
    if not environment.allow and not environment.allow_people:
        return ""
    if person.username in environment.allow_people or {group.name for group in person.groups} & set(environment.allow):
        return ""
    return f"For members of {_either(environment.allow)}." if environment.allow else "For chosen people."


def _offers(desk: FrontDesk, person: Person, environments: list[Environment]) -> list[Offer]:
    usual = desk.cluster.usual_seconds(one.name for one in environments)
    queued = Counter(one.environment for one in desk.instances.active() if one.state is State.QUEUED)
    return [Offer(one, reason_against(one, person), usual.get(one.name), queued[one.name]) for one in environments]


def _either(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
