"""Register nodes, decide over them, forget them. The controller does the rest."""

from __future__ import annotations

from asci_api.domain.errors import Conflict, InvalidInput
from asci_api.domain.identity import Caller, NodeName
from asci_api.domain.node import NodeOverlay, NodeRegistration, NodeSource, NodeState
from asci_api.domain.overlay import effective_labels
from asci_api.domain.registering import Complaints, complaints
from asci_api.work.find_nodes import must_steer, no_such_node, nodes_now
from asci_api.work.front_desk import FrontDesk
from asci_api.work.node_change import Circumstances, NodeChange, changed
from asci_api.work.registered_nodes import registered_nodes
from asci_shared.logging import get_logger

_log = get_logger(__name__)


def register_node(desk: FrontDesk, caller: Caller, registration: NodeRegistration) -> None:
    """Store it; the controller looks at it from now on.

    Raises ``NotAllowed``, ``InvalidInput`` with fields, ``Conflict`` (``node-exists``)."""
    must_steer(desk, caller, "node.register", registration.name)
    wrong = complaints(registration)
    if not wrong.get("tls") and registration.tls and (problem := desk.tls_problem(registration.tls)):
        wrong["tls"] = [problem]
    _refuse(wrong)
    try:
        if registration.name in registered_nodes(desk):
            raise Conflict(f"There is a node {registration.name} already.", slug="node-exists")
        desk.registrations.add(registration)
    except Conflict as refusal:
        desk.note(caller, "node.register", registration.name, refusal.slug)
        raise
    desk.note(caller, "node.register", registration.name, url=registration.url)
    _log.info("node.registered", node=registration.name, url=registration.url, by=caller.person.username)


def change_node(desk: FrontDesk, caller: Caller, name: str, change: NodeChange) -> None:
    """Lay it over the node.

    Raises ``NotAllowed``, ``NotFound`` (``unknown-node``), ``InvalidInput`` with fields, ``Conflict``
    (``node-answers``: only a node that is down can be declared gone)."""
    must_steer(desk, caller, change.deed, name)
    registration = _known(desk, name)
    if change.gone and not _down(desk, registration.name):
        desk.note(caller, change.deed, name, "node-answers")
        raise _answers(name)
    around = _circumstances(desk, caller, registration, change)
    before: list[NodeOverlay] = []

    def step(now: NodeOverlay) -> NodeOverlay:
        _refuse(change.complaints(now, around.at))
        before[:] = [now]
        return changed(now, change, around)

    after = desk.overlays.change(registration.name, step)
    if [after] != before:
        desk.note(caller, change.deed, name, **change.facts(after))
        _log.info("node.changed", node=name, deed=change.deed, by=caller.person.username)


def remove_node(desk: FrontDesk, caller: Caller, name: str) -> None:
    """Forget it, with what was decided over it.

    Raises ``NotAllowed``, ``NotFound`` (``unknown-node``), ``Conflict``: ``node-from-file`` for those that the API did
    not register, ``node-in-use`` while sessions have their place there."""
    must_steer(desk, caller, "node.remove", name)
    registration = _known(desk, name)
    try:
        _check_free(desk, registration)
    except Conflict as refusal:
        desk.note(caller, "node.remove", name, refusal.slug)
        raise
    desk.registrations.remove(registration.name)
    desk.note(caller, "node.remove", name, url=registration.url)
    _log.info("node.removed", node=name, by=caller.person.username)


def _known(desk: FrontDesk, name: str) -> NodeRegistration:
    registration = registered_nodes(desk).get(NodeName(name))
    if registration is None:
        raise no_such_node(name)
    return registration


def _check_free(desk: FrontDesk, registration: NodeRegistration) -> None:
    name = registration.name
    if registration.source is not NodeSource.API:
        where = "nodes.yaml" if registration.source is NodeSource.FILE else "the installation's settings"
        raise Conflict(f"Node {name} stands in {where}.", next_step=f"Take it out of {where}.", slug="node-from-file")
    held = sum(1 for one in desk.instances.active() if one.placement is not None and one.placement.node == name)
    if held:
        raise Conflict(
            f"Node {name} holds {held} {'session' if held == 1 else 'sessions'}.",
            next_step="Drain it and wait until it is empty; declare it gone if its machine is dead.",
            slug="node-in-use",
        )


def _down(desk: FrontDesk, name: NodeName) -> bool:
    """Whether the controller says so; never on the word of a missing snapshot."""
    return any(node.name == name and node.state is NodeState.DOWN for node in nodes_now(desk) or ())


def _answers(name: str) -> Conflict:
    return Conflict(
        f"Node {name} answers.",
        detail="Only a node that is down can be declared gone.",
        next_step="Drain it instead.",
        slug="node-answers",
    )


def _circumstances(
    desk: FrontDesk, caller: Caller, registration: NodeRegistration, change: NodeChange
) -> Circumstances:
    name = registration.name
    engine = next((node.engine_labels for node in desk.cluster.nodes() or () if node.name == name), {})
    gone = f"Node {name} was declared gone by {caller.person.name}."
    return Circumstances(
        by=caller.person.username,
        at=desk.clock(),
        under=effective_labels(engine, registration, NodeOverlay()),
        gone_reason=f"{gone} {change.reason}" if change.reason else gone,
        drain_seconds=desk.policies.get().drain_seconds,
    )


def _refuse(wrong: Complaints) -> None:
    if wrong:
        names = ", ".join(sorted(wrong))
        raise InvalidInput("The node cannot be like this.", detail=f"Look at: {names}.", fields=wrong)
