"""Why an instance is on its node, as the API tells it."""

from __future__ import annotations

from typing import Any

from asci_api.domain.decision import Decision, NodeVerdict
from asci_api.domain.identity import Person
from asci_api.domain.instance import Instance
from asci_api.work.moments import moment

Json = dict[str, Any]


def decision_for(instance: Instance, viewer: Person) -> Json | None:
    """The decision, where there is one and the viewer owns the instance or is an admin."""
    if instance.decision is None or not (viewer.username == instance.owner or viewer.is_admin):
        return None
    return present_decision(instance.decision)


def present_decision(decision: Decision) -> Json:
    """The JSON object of a decision."""
    return {
        "at": moment(decision.at),
        "node": decision.node,
        "score": round(decision.score, 2),
        "policy_revision": decision.policy_revision,
        "nodes": [present_verdict(verdict) for verdict in decision.nodes],
    }


def present_verdict(verdict: NodeVerdict) -> Json:
    """The JSON object of what the scheduler thinks of one node."""
    return {
        "name": verdict.name,
        "fits": verdict.fits,
        "reasons": list(verdict.reasons),
        "score": None if verdict.score is None else round(verdict.score, 2),
    }
