"""Every node that is registered: built in, by the operator's file, by the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from asci_api.domain.identity import NodeName
from asci_api.domain.node import NodeRegistration
from asci_api.domain.ports import Registrations


class Doors(Protocol):
    """What knowing all nodes takes; the API's desk has it, and the controller's."""

    @property
    def registrations(self) -> Registrations: ...
    @property
    def declared(self) -> Callable[[], Sequence[NodeRegistration]]: ...


def registered_nodes(desk: Doors) -> dict[NodeName, NodeRegistration]:
    """By name, in the order of names. What the operator declared wins over what the API was told under its name.
    Raises ``Restoring``: a list that lacks nodes is no list."""
    found = {one.name: one for one in (*desk.registrations.all(), *desk.declared())}
    return dict(sorted(found.items()))
