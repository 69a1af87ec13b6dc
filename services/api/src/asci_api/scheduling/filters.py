"""What keeps an instance off a node. Each filter names itself, and tells *never* apart from *not now*. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from asci_api.domain.environment import GIB, MIB, GpuNeed, GpuShare, Needs
from asci_api.domain.identity import NodeName
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
    digest: str = ""
    """``sha256:…`` by which registries know the image; empty without one."""
    failed: frozenset[NodeName] = frozenset()
    """Nodes that were tried in vain."""

    @classmethod
    def of(
        cls,
        needs: Needs,
        image: str = "",
        *,
        pullable: bool = True,
        source: str = "",
        failed: Iterable[NodeName] = (),
    ) -> Request:
        """``source`` is where nodes fetch the image. Raises ``InvalidInput`` if the needs' selector cannot be read."""
        return cls(needs, parse(needs.selector), image, pullable, source.partition("@")[2], frozenset(failed))


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
            return Refusal("state", "was declared gone" if node.gone else "does not answer")
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


def failed(request: Request, node: Node, _policy: Policy) -> Refusal | None:
    """It was tried there already, and the node could not."""
    return Refusal("failed", "could not bring it up") if node.name in request.failed else None


def whole(request: Request, node: Node, _policy: Policy) -> Refusal | None:
    """What takes a whole node takes a dedicated one that is empty, and shares it with nobody."""
    if node.whole:
        return Refusal("whole", "is taken as a whole")
    if not request.needs.whole_node:
        return None
    if not node.taints:
        return Refusal("whole", "is not dedicated, and a whole node is needed")
    if node.instances:
        on_it = f"{_count(node.instances, 'session')} {_are(node.instances)} on it"
        return Refusal("whole", f"a whole node is needed, {on_it}")
    return None


def cpu(request: Request, node: Node, policy: Policy) -> Refusal | None:
    """Cores promised must not pass the cores there are, times the overcommit."""
    total = total_cpus(node, policy)
    free = total - node.allocated.cpus
    if request.needs.cpus <= free + _TINY:
        return None
    wanted = f"needs {_count(request.needs.cpus, 'core')}"
    if request.needs.cpus > total + _TINY:
        return Refusal("cpu", f"{wanted}, has {total:g} in all", never=_known(node))
    return Refusal("cpu", f"{wanted}, {max(free, 0):.3g} {_are(free)} free")


def memory(request: Request, node: Node, policy: Policy) -> Refusal | None:
    """Bytes promised must not pass the bytes there are, times the overcommit."""
    total = total_memory(node, policy)
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
    if request.pullable or not request.image or has_image(request, node):
        return None
    return Refusal("image", "does not have the image, and no registry has it")


STATIC: tuple[Filter, ...] = (state, selector, taints, image, failed)
"""Depend on nodes and environment alone."""
OUT = frozenset(check.__name__ for check in STATIC)
"""Names of filters that do not open when an instance ends."""
DYNAMIC: tuple[Filter, ...] = (whole, cpu, memory, gpu)
"""Depend on what runs."""
FILTERS = STATIC + DYNAMIC


def matches(request: Request, node: Node, policy: Policy) -> bool:
    """Whether nothing but what runs there speaks against the node, and it is large enough."""
    if any(check(request, node, policy) is not None for check in STATIC):
        return False
    return not any((against := check(request, node, policy)) and against.never for check in DYNAMIC)


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


def has_image(request: Request, node: Node) -> bool:
    """Whether the image is on the node, by id, digest or reference."""
    wanted, digest = request.image, request.digest
    for each in node.images:
        if wanted == each.id or wanted in each.tags or (digest and each.digest.endswith(digest)):
            return True
    return False


def total_cpus(node: Node, policy: Policy) -> float:
    """Cores that may be promised in all."""
    return node.capacity.cpus * (node.overcommit.cpus if node.overcommit else policy.cpu_overcommit)


def total_memory(node: Node, policy: Policy) -> int:
    """Bytes that may be promised in all."""
    return int(node.capacity.memory * (node.overcommit.memory if node.overcommit else policy.memory_overcommit))


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
