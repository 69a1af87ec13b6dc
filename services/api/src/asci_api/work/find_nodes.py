"""The nodes as the controller last saw them, with what admins decided since, for admins."""

from __future__ import annotations

from asci_api.domain.errors import NotAllowed, NotFound, Unavailable
from asci_api.domain.identity import Caller, NodeName
from asci_api.domain.node import Node, NodeOverlay
from asci_api.domain.overlay import overlaid, unseen
from asci_api.work.front_desk import FrontDesk
from asci_api.work.registered_nodes import registered_nodes


def find_nodes(desk: FrontDesk, caller: Caller) -> list[Node]:
    """By name. Raises ``NotAllowed``; ``Unavailable`` (``no-snapshot``) while the controller has not looked lately."""
    must_be_admin(caller)
    nodes = nodes_now(desk)
    if nodes is None:
        raise Unavailable("The nodes have not been looked at lately.", slug="no-snapshot")
    return nodes


def nodes_now(desk: FrontDesk) -> list[Node] | None:
    """Every registered node as it was last seen, by name; None without a fresh snapshot."""
    snapshot = desk.cluster.nodes()
    if snapshot is None:
        return None
    seen = {node.name: node for node in snapshot}
    overlays = desk.overlays.all()
    return [
        overlaid(seen.get(name) or unseen(registration), registration, overlays.get(name, NodeOverlay()))
        for name, registration in registered_nodes(desk).items()
    ]


def node_as_known(desk: FrontDesk, name: NodeName) -> Node:
    """A registered node as it counts now, also where the controller has not looked yet. Raises ``NotFound``."""
    registration = registered_nodes(desk).get(name)
    if registration is None:
        raise no_such_node(name)
    seen = next((node for node in desk.cluster.nodes() or () if node.name == name), None)
    return overlaid(seen or unseen(registration), registration, desk.overlays.all().get(name, NodeOverlay()))


def find_node(desk: FrontDesk, caller: Caller, name: str) -> Node:
    """One of them. Raises ``NotFound`` (``unknown-node``)."""
    found = next((node for node in find_nodes(desk, caller) if node.name == name), None)
    if found is None:
        raise no_such_node(name)
    return found


def no_such_node(name: str) -> NotFound:
    return NotFound("There is no such node.", detail=f"No node is called {name}.", slug="unknown-node")


def must_be_admin(caller: Caller) -> None:
    """Raises ``NotAllowed`` for everybody else."""
    if not caller.person.is_admin:
        raise NotAllowed("Only administrators may do this.")


def must_steer(desk: FrontDesk, caller: Caller, what: str, target: str) -> None:
    """As :func:`must_be_admin`, for what changes something: the try is in the audit."""
    if not caller.person.is_admin:
        desk.note(caller, what, target, NotAllowed.slug)
    must_be_admin(caller)
