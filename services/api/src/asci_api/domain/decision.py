"""Why an instance is where it is, as the scheduler saw it then."""

from __future__ import annotations

from dataclasses import dataclass

from asci_api.domain.identity import NodeName

MOST_VERDICTS = 12
"""Verdicts that are stored with an instance: the best, then why not the next."""


@dataclass(frozen=True, slots=True)
class NodeVerdict:
    """What the scheduler thinks of one node."""

    name: NodeName
    fits: bool
    reasons: tuple[str, ...]
    """Clauses; empty where it fits."""
    score: float | None
    """0 to 100; None where it does not fit."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A placement as it was decided."""

    at: float
    node: NodeName
    score: float
    policy_revision: int
    nodes: tuple[NodeVerdict, ...]
    """Best first, at most :data:`MOST_VERDICTS`."""
