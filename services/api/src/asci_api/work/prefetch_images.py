"""Which nodes should fetch which images before anybody asks for them, and fetching one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from asci_api.domain.environment import Environment
from asci_api.domain.errors import InvalidInput
from asci_api.domain.identity import NodeName
from asci_api.domain.image_names import fetchable
from asci_api.domain.instance import Instance, State
from asci_api.domain.node import Node
from asci_api.domain.policy import Policy
from asci_api.scheduling.filters import Request, has_image, matches
from asci_api.work.desk import Desk
from asci_shared.logging import get_logger

_COMES_FIRST = frozenset({State.PLACED, State.PULLING})
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Errand:
    """A node shall have an image; ``source`` is pinned by digest."""

    node: NodeName
    environment: str
    source: str


def errands(
    nodes: Sequence[Node], environments: Iterable[Environment], active: Iterable[Instance], policy: Policy
) -> list[Errand]:
    """Every offered environment on every node that may ever run it and lacks it; not where somebody waits for a node to
    have an image, for that one comes first. Pure."""
    busy = {one.placement.node for one in active if one.placement is not None and one.state in _COMES_FIRST}
    free = [node for node in nodes if node.name not in busy]
    found = []
    for environment in environments:
        if not environment.enabled or "@" not in environment.source:
            continue
        try:
            request = Request.of(environment.needs, environment.image_id, source=environment.source)
        except InvalidInput:
            continue
        found += [
            Errand(node.name, environment.name, environment.source)
            for node in free
            if not has_image(request, node) and matches(request, node, policy)
        ]
    return found


def prefetch(desk: Desk, errand: Errand) -> None:
    """Fetch it, and the image that makes home folders where that comes from the same registry. Raises
    ``EngineFault``."""
    engine = desk.engines.get(errand.node)
    host = errand.source.partition("/")[0]
    for reference in (desk.home_image, errand.source):
        if reference.startswith(f"{host}/") and fetchable(reference) and not engine.image_id(reference):
            began = desk.clock()
            engine.pull(reference, lambda _: None)
            seconds = round(desk.clock() - began, 1)
            _log.info("image.prefetched", node=errand.node, image=reference, seconds=seconds)
