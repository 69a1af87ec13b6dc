"""What keeps an instance off a node. Each filter names itself, and tells *never* apart from *not now*. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from asci_api.domain.environment import GIB, MIB, GpuNeed, GpuShare, Needs
from asci_api.domain.node import Gpu, Node, NodeState
from asci_api.domain.policy import Policy
from asci_api.scheduling.selectors import Selector, parse

_TINY = 1e-9
"""Sums of cores are floats."""


@dataclass(frozen=True, slots=True)
class Request:
    """What looks for a place."""

    needs: Needs
    selector: Selector
    image: str = ""
    """Id or reference; empty where it does not matter."""
    pullable: bool = True
    """Whether a node without the image could fetch it."""

    @classmethod
    def of(cls, needs: Needs, image: str = "", *, pullable: bool = True) -> Request:
        """Raises ``InvalidInput`` if the needs' selector cannot be read."""
        return cls(needs, parse(needs.selector), image, pullable)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not on this node: a clause such as ``needs 2 cores, 0.5 are free``."""

    filter: str
    reason: str
    never: bool = False
    """No change of load can help."""


Filter = Callable[[Request, Node, Policy], Refusal | None]


def state(_request: Request, node: Node, _policy: Policy) -> Refusal | None:
    """Only active nodes take new instances."""
    match node.state:
        case NodeState.ACTIVE:
            return None
        case NodeState.DOWN:
            return Refusal("state", "does not answer")
        case NodeState.CORDONED:
            return Refusal("state", "takes no new sessions")
        case NodeState.DRAINING:
            return Refusal("state", "is being emptied")


def selector(request: Request, node: Node, _policy: Policy) -> Refusal | None:
    """The node's labels must match."""
    unmet = request.selector.unmet(node.labels)
    if not unmet:
        return None
    return Refusal("selector", f"does not match {', '.join(str(each) for each in unmet)}", never=_known(node))


def taints(request: Request, node: Node, _policy: Policy) -> Refusal | None:
    """A tainted node takes only what asks for it by a label of the taint's name (dedicated "online" nodes)."""
    for taint in node.taints:
        if not request.selector.asks_for(taint.key, taint.value):
            what = f"{taint.key}={taint.value}" if taint.value else taint.key
            return Refusal("taints", f"is reserved ({what})")
    return None


def cpu(request: Request, node: Node, policy: Policy) -> Refusal | None:
    """Cores promised must not pass the cores there are, times the overcommit."""
    total = node.capacity.cpus * policy.cpu_overcommit
    free = total - node.allocated.cpus
    if request.needs.cpus <= free + _TINY:
        return None
    wanted = f"needs {_count(request.needs.cpus, 'core')}"
    if request.needs.cpus > total + _TINY:
        return Refusal("cpu", f"{wanted}, has {total:g} in all", never=_known(node))
    return Refusal("cpu", f"{wanted}, {max(free, 0):.3g} {_are(free)} free")


def memory(request: Request, node: Node, policy: Policy) -> Refusal | None:
    """Bytes promised must not pass the bytes there are, times the overcommit."""
    total = int(node.capacity.memory * policy.memory_overcommit)
    free = total - node.allocated.memory
    if request.needs.memory <= free:
        return None
    wanted = f"needs {_bytes(request.needs.memory)} of memory"
    if request.needs.memory > total:
        return Refusal("memory", f"{wanted}, has {_bytes(total)} in all", never=_known(node))
    return Refusal("memory", f"{wanted}, {_bytes(max(free, 0))} are free")


def gpu(request: Request, node: Node, _policy: Policy) -> Refusal | None:
    """Enough whole GPUs, or enough GPUs with an open slot."""
    need = request.needs.gpu
    if need is None or gpus_for(need, node) is not None:
        return None
    wanted = f"needs {_count(need.count, f'{need.share} GPU')}"
    if need.count > len(node.gpus):
        return Refusal("gpu", f"{wanted}, has {len(node.gpus) or 'none'}", never=_known(node))
    free = len(_candidates(need, node))
    return Refusal("gpu", f"{wanted}, {free} {_are(free)} free")


def image(request: Request, node: Node, _policy: Policy) -> Refusal | None:
    """The image is there or can be fetched."""
    if request.pullable or not request.image or has_image(node, request.image):
        return None
    return Refusal("image", "does not have the image, and no registry has it")


STATIC: tuple[Filter, ...] = (state, selector, taints, image)
"""Depend on nodes and environment alone."""
DYNAMIC: tuple[Filter, ...] = (cpu, memory, gpu)
"""Depend on what runs."""
FILTERS = STATIC + DYNAMIC


def refusals(request: Request, node: Node, policy: Policy) -> list[Refusal]:
    """All that speaks against a node; empty where it fits."""
    return [refusal for check in FILTERS if (refusal := check(request, node, policy)) is not None]


def fits(request: Request, node: Node, policy: Policy) -> bool:
    """As :func:`refusals`, but ends at the first."""
    return all(check(request, node, policy) is None for check in FILTERS)


def gpus_for(need: GpuNeed, node: Node) -> tuple[str, ...] | None:
    """Ids of the GPUs that it would get, or None. Shared ones fill up begun GPUs first, to keep others whole."""
    candidates = _candidates(need, node)
    if len(candidates) < need.count:
        return None
    candidates.sort(key=lambda each: (-each.sharers, each.id))
    return tuple(each.id for each in candidates[: need.count])


def has_image(node: Node, wanted: str) -> bool:
    """Whether the id or reference is on the node."""
    return any(wanted == each.id or wanted in each.tags for each in node.images)


def _candidates(need: GpuNeed, node: Node) -> list[Gpu]:
    return [each for each in node.gpus if (each.whole if need.share is GpuShare.EXCLUSIVE else each.open)]


def _known(node: Node) -> bool:
    """A node that was never seen may have anything."""
    return node.last_seen > 0 or node.capacity.cpus > 0


def _are(amount: float) -> str:
    return "is" if amount == 1 else "are"


def _count(amount: float, what: str) -> str:
    return f"{amount:g} {what}{'' if amount == 1 else 's'}"


def _bytes(amount: int) -> str:
    return f"{amount / GIB:.3g} GiB" if amount >= GIB else f"{amount / MIB:.3g} MiB"
