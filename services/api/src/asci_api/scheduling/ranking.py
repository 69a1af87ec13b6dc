"""How good a fitting node is, from 0 to 100, by the policy that admins edit. Pure."""

from __future__ import annotations

from asci_api.domain.node import Node
from asci_api.domain.policy import Policy
from asci_api.scheduling.filters import Request, has_image, total_cpus, total_memory


def score(request: Request, node: Node, policy: Policy) -> float:
    """Weighted mean of even (or full) use of cores, memory and GPUs after this placement, and of having the image."""
    cores = _use(node.allocated.cpus + request.needs.cpus, total_cpus(node, policy))
    memory = _use(node.allocated.memory + request.needs.memory, total_memory(node, policy))
    parts = (
        (policy.weight_cpu, _merit(cores, policy)),
        (policy.weight_memory, _merit(memory, policy)),
        (policy.weight_gpu, _gpu_merit(request, node, policy)),
        (policy.weight_image, 1.0 if request.image and has_image(request, node) else 0.0),
    )
    weights = sum(weight for weight, _ in parts)
    return 100 * sum(weight * merit for weight, merit in parts) / weights if weights else 0.0


def _gpu_merit(request: Request, node: Node, policy: Policy) -> float:
    """What needs no GPU leaves GPU nodes alone where it can, however nodes are filled."""
    if request.needs.gpu is None:
        return 0.0 if node.gpus else 1.0
    return _merit(_use(sum(1 for gpu in node.gpus if not gpu.whole) + request.needs.gpu.count, len(node.gpus)), policy)


def _merit(use: float, policy: Policy) -> float:
    return 1 - use if policy.spread else use


def _use(used: float, total: float) -> float:
    return min(used / total, 1.0) if total > 0 else 1.0
