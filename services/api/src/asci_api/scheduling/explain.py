"""Why here, and why not there: the decision of :mod:`place`, node by node. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asci_api.domain.decision import NodeVerdict
from asci_api.domain.environment import Needs
from asci_api.domain.instance import Placement
from asci_api.domain.node import Node
from asci_api.domain.policy import Policy
from asci_api.scheduling.filters import Request, refusals
from asci_api.scheduling.place import place
from asci_api.scheduling.ranking import score


@dataclass(frozen=True, slots=True)
class Explanation:
    """The placement, if there is one, and every node's verdict, best first."""

    placement: Placement | None
    nodes: tuple[NodeVerdict, ...]


def explain(
    needs: Needs, nodes: Sequence[Node], policy: Policy, *, image: str = "", pullable: bool = True, source: str = ""
) -> Explanation:
    """As :func:`~asci_api.scheduling.place.place` would decide. Raises ``InvalidInput`` for a bad selector."""
    request = Request.of(needs, image, pullable=pullable, source=source)
    outcome = place(needs, nodes, policy, image=image, pullable=pullable, source=source)
    verdicts = sorted((_verdict(request, node, policy) for node in nodes), key=_best_first)
    return Explanation(outcome if isinstance(outcome, Placement) else None, tuple(verdicts))


def _verdict(request: Request, node: Node, policy: Policy) -> NodeVerdict:
    against = tuple(refusal.reason for refusal in refusals(request, node, policy))
    return NodeVerdict(node.name, not against, against, None if against else score(request, node, policy))


def _best_first(verdict: NodeVerdict) -> tuple[float, str]:
    return (-(verdict.score if verdict.score is not None else -1.0), verdict.name)
