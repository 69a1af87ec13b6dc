"""What the operator decides for everybody."""

from __future__ import annotations

from dataclasses import dataclass, field

from asci_api.domain.identity import Quota

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy in force. Durations in seconds."""

    cpu_overcommit: float = 4.0
    """How often each core may be promised."""
    memory_overcommit: float = 1.5
    """How often each byte may be promised."""
    spread: bool = True
    """Score nodes for even load (True) or for full nodes (False)."""
    weight_cpu: float = 1.0
    weight_memory: float = 1.0
    weight_gpu: float = 1.0
    weight_image: float = 2.0
    """Weight of having the image already."""
    quota: Quota = field(default_factory=lambda: Quota(sessions=6, gpus=2))
    longest_life: float = 28 * DAY
    """An owner may extend up to this far from now."""
    pull_seconds: float = 1800.0
    create_seconds: float = 60.0
    ready_seconds: float = 30.0
    """How long the readiness probe may take before the start failed."""
    stop_seconds: float = 10.0
    """Grace between SIGTERM and SIGKILL."""
