"""Where an environment would go now, and why not elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from asci_api.domain.decision import NodeVerdict
from asci_api.domain.environment import Environment
from asci_api.domain.errors import NotFound
from asci_api.domain.identity import Caller, Person
from asci_api.domain.instance import Instance, Placement, State
from asci_api.domain.node import Node
from asci_api.domain.policy import Policy
from asci_api.scheduling.explain import explain
from asci_api.scheduling.line import starved
from asci_api.scheduling.place import NoFit, place
from asci_api.work.find_environments import environment_named
from asci_api.work.find_nodes import find_nodes
from asci_api.work.front_desk import FrontDesk


@dataclass(frozen=True, slots=True)
class Prospect:
    """What would come of a start."""

    placement: Placement | None
    score: float
    """Of the placement; 0 without one."""
    never_fits: bool
    nodes: tuple[NodeVerdict, ...]
    """Best first."""
    queue_ahead: int
    """How many would be served before."""


def explain_placement(desk: FrontDesk, caller: Caller, environment: str, username: str = "") -> Prospect:
    """As the scheduler would decide now for this person (the caller without a name).

    Raises ``NotAllowed``, ``NotFound`` (``unknown-environment``, ``unknown-person``), ``Unavailable``."""
    nodes = find_nodes(desk, caller)
    person = _person(desk, caller, username)
    wanted, policy = environment_named(desk, environment), desk.policies.get()
    told = explain(
        wanted.needs, nodes, policy, image=wanted.image_id, pullable=bool(wanted.source), source=wanted.source
    )
    best = next((verdict.score for verdict in told.nodes if told.placement and verdict.name == told.placement.node), 0)
    return Prospect(
        placement=told.placement,
        score=best or 0.0,
        never_fits=told.placement is None and _never(wanted, nodes, policy),
        nodes=told.nodes,
        queue_ahead=_ahead(desk, person, policy),
    )


def _person(desk: FrontDesk, caller: Caller, username: str) -> Person:
    person = desk.directory.get(username) if username else caller.person
    if person is None:
        raise NotFound("Nobody by that name.", detail=f"Nobody is called {username}.", slug="unknown-person")
    return person


def _never(environment: Environment, nodes: list[Node], policy: Policy) -> bool:
    source = environment.source
    outcome = place(environment.needs, nodes, policy, image=environment.image_id, pullable=bool(source), source=source)
    return isinstance(outcome, NoFit) and outcome.never


def _ahead(desk: FrontDesk, person: Person, policy: Policy) -> int:
    mine = policy.priority_of(group.name for group in person.groups)
    now = desk.clock()

    def before(one: Instance) -> bool:
        return starved(one, policy, now) or policy.priority_of(name for name, _ in one.groups) >= mine

    return sum(1 for one in desk.instances.active() if one.state is State.QUEUED and not one.stop and before(one))
