"""Where an instance goes. Pure: the same arguments give the same answer, in every process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from asci_api.domain.environment import Needs
from asci_api.domain.instance import Placement
from asci_api.domain.node import Node
from asci_api.domain.policy import Policy
from asci_api.scheduling.filters import Refusal, Request, fits, gpus_for, refusals
from asci_api.scheduling.ranking import score


@dataclass(frozen=True, slots=True)
class NoFit:
    """No place now. ``never``: on no node, however idle, as its labels, size and GPUs stand."""

    reasons: tuple[str, ...]
    """A sentence per node, such as ``local: needs 2 cores, 0.5 are free``."""
    never: bool = False
    emptied: tuple[tuple[str, int], ...] = ()
    """How many nodes each filter refused, most first."""
    in_vain: bool = False
    """It was tried on every node that it could use now, and failed there."""


def place(
    needs: Needs,
    nodes: Sequence[Node] | None,
    policy: Policy,
    *,
    image: str = "",
    pullable: bool = True,
    source: str = "",
) -> Placement | NoFit:
    """The best node that fits, or why none does. ``nodes`` carry what is allocated on them; ``None`` or none at all
    means that nobody has looked yet, which is never a reason to say *never*.
    Raises ``InvalidInput`` if the selector cannot be read."""
    request = Request.of(needs, image, pullable=pullable, source=source)
    if not nodes:
        return NoFit(("ASCI has not seen a node yet.",))
    fitting = [node for node in nodes if fits(request, node, policy)]
    if not fitting:
        return _no_fit({node.name: refusals(request, node, policy) for node in nodes})
    return placement_on(request, min(fitting, key=lambda node: (-score(request, node, policy), node.name)))


def placement_on(request: Request, node: Node) -> Placement:
    """The placement on a node that fits, with its GPUs."""
    need = request.needs.gpu
    return Placement(node.name, (gpus_for(need, node) or ()) if need else ())


def _no_fit(against: dict[str, list[Refusal]]) -> NoFit:
    counts = Counter(refusal.filter for each in against.values() for refusal in each)
    return NoFit(
        reasons=tuple(f"{name}: {'; '.join(refusal.reason for refusal in each)}" for name, each in against.items()),
        never=all(any(refusal.never for refusal in each) for each in against.values()),
        emptied=tuple(counts.most_common()),
    )
