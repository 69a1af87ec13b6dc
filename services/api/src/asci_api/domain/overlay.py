"""What admins decided, laid over what was registered and seen. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from asci_api.domain.node import DeclaredGpu, Gpu, Node, NodeOverlay, NodeRegistration, NodeState, Resources


def overlaid(node: Node, registration: NodeRegistration, overlay: NodeOverlay) -> Node:
    """The node as it counts now. Applying it again changes nothing; the API does so over each snapshot, that a change
    shows at once."""
    return replace(
        node,
        url=registration.url,
        publish=registration.publish or node.publish,
        labels=effective_labels(node.engine_labels, registration, overlay),
        taints=registration.taints if overlay.taints is None else overlay.taints,
        overcommit=overlay.overcommit or registration.overcommit,
        state=NodeState.DOWN if node.state is NodeState.DOWN else overlay.wanted,
        wanted=overlay.wanted,
        drain=overlay.drain,
        gone=overlay.gone,
        source=registration.source,
    )


def effective_labels(engine: Mapping[str, str], registration: NodeRegistration, overlay: NodeOverlay) -> dict[str, str]:
    """The engine's labels, above them the registration's, above them the overlay's, without the removed ones."""
    labels = {**engine, **registration.labels, **overlay.labels}
    return {name: value for name, value in sorted(labels.items()) if name not in overlay.removed}


def declared_gpus(registration: NodeRegistration) -> tuple[Gpu, ...]:
    """The node's GPUs, all free."""
    return tuple(_gpu(registration, index, gpu) for index, gpu in enumerate(registration.gpus))


def unseen(registration: NodeRegistration) -> Node:
    """A registered node that nobody has looked at yet."""
    gpus = declared_gpus(registration)
    return Node(
        name=registration.name,
        url=registration.url,
        state=NodeState.DOWN,
        capacity=Resources(gpus=len(gpus)),
        gpus=gpus,
        publish=registration.publish,
        error="ASCI has not seen this node yet.",
        source=registration.source,
    )


def _gpu(registration: NodeRegistration, index: int, declared: DeclaredGpu) -> Gpu:
    return Gpu(
        id=declared.uuid or f"{registration.name}-{index}",
        slots=declared.slots,
        index=index,
        model=declared.model,
        memory=declared.memory,
    )
