"""All operations of the API, in the order in which its document tells them."""

from __future__ import annotations

import re

from asci_api.http import (
    audit,
    charts,
    connections,
    environments,
    instances,
    nodes,
    notice,
    people,
    scheduler,
    sessions,
    shares,
)
from asci_api.http.operation import Operation

PREFIX = "/api/v1"

OPERATIONS: tuple[Operation, ...] = (
    *sessions.OPERATIONS,
    *environments.OPERATIONS,
    *instances.OPERATIONS,
    *connections.OPERATIONS,
    *shares.OPERATIONS,
    *nodes.OPERATIONS,
    *people.OPERATIONS,
    *scheduler.OPERATIONS,
    *audit.OPERATIONS,
    *charts.OPERATIONS,
    *notice.OPERATIONS,
)


def rule_of(operation: Operation) -> str:
    """The operation's path as Flask writes it."""
    return PREFIX + re.sub(r"\{(\w+)\}", r"<\1>", operation.path)
