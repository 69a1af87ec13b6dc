"""The nodes as the controller last saw them, for admins."""

from __future__ import annotations

from asci_api.domain.errors import NotAllowed, NotFound, Unavailable
from asci_api.domain.identity import Caller
from asci_api.domain.node import Node
from asci_api.work.front_desk import FrontDesk


def find_nodes(desk: FrontDesk, caller: Caller) -> list[Node]:
    """By name. Raises ``NotAllowed``; ``Unavailable`` (``no-snapshot``) while the controller has not looked lately."""
    must_be_admin(caller)
    nodes = desk.cluster.nodes()
    if nodes is None:
        raise Unavailable("The nodes have not been looked at lately.", slug="no-snapshot")
    return sorted(nodes, key=lambda node: node.name)


def find_node(desk: FrontDesk, caller: Caller, name: str) -> Node:
    """One of them. Raises ``NotFound``."""
    found = next((node for node in find_nodes(desk, caller) if node.name == name), None)
    if found is None:
        raise NotFound("There is no such node.", detail=f"No node is called {name}.", slug="unknown-node")
    return found


def must_be_admin(caller: Caller) -> None:
    """Raises ``NotAllowed`` for everybody else."""
    if not caller.person.is_admin:
        raise NotAllowed("Only administrators may do this.")
