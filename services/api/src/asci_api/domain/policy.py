"""What the operator decides for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from asci_api.domain.identity import Person, Quota

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy in force. Durations in seconds."""

    cpu_overcommit: float = 4.0
    """How often each core may be promised, on nodes that say nothing else."""
    memory_overcommit: float = 1.5
    """How often each byte may be promised, on nodes that say nothing else."""
    spread: bool = True
    """Score nodes for even load (True) or for full nodes (False)."""
    weight_cpu: float = 1.0
    weight_memory: float = 1.0
    weight_gpu: float = 1.0
    weight_image: float = 2.0
    """Weight of having the image already."""
    quota: Quota = field(default_factory=lambda: Quota(sessions=6, gpus=2))
    """Of everybody whom nothing else is said about."""
    group_quotas: dict[str, Quota] = field(default_factory=dict)
    people_quotas: dict[str, Quota] = field(default_factory=dict)
    """By user name; above everything else."""
    group_priorities: dict[str, int] = field(default_factory=dict)
    """Places in the queue go to the highest first; groups that are not named have 0."""
    starvation_seconds: float = 600.0
    """An instance that waited for so long is not overtaken any more by one that takes what it could use."""
    drain_seconds: float = 24 * 3600.0
    """The deadline of a drain that names none."""
    default_life: float = 7 * DAY
    """Of instances whose environment says nothing."""
    longest_life: float = 28 * DAY
    """An owner may extend up to this far from now."""
    pull_seconds: float = 1800.0
    create_seconds: float = 60.0
    ready_seconds: float = 30.0
    """How long the readiness probe may take before the start failed."""
    stop_seconds: float = 10.0
    """Grace between SIGTERM and SIGKILL."""
    revision: int = 0
    """Raised by one at each stored change; set by the store."""

    def priority_of(self, groups: Iterable[str]) -> int:
        """The highest of a person's groups."""
        return max((self.group_priorities[name] for name in groups if name in self.group_priorities), default=0)

    def life_of(self, wished: float | None) -> float:
        """Seconds that an instance of an environment that wishes for so many (None: nothing) begins with."""
        return min(self.default_life if wished is None else wished, self.longest_life)


@dataclass(frozen=True, slots=True)
class GivenQuota:
    """A quota, and who gave it."""

    quota: Quota
    origin: str
    """``default``, ``group <name>`` or ``person``."""


def quota_of(policy: Policy, person: Person) -> GivenQuota:
    """Her own, else the greatest of her groups' (by sessions, then GPUs), else the default."""
    own = policy.people_quotas.get(person.username)
    if own is not None:
        return GivenQuota(own, "person")
    groups = [(policy.group_quotas[one.name], one.name) for one in person.groups if one.name in policy.group_quotas]
    if not groups:
        return GivenQuota(policy.quota, "default")
    quota, name = max(groups, key=lambda each: (_size(each[0].sessions), _size(each[0].gpus), each[1]))
    return GivenQuota(quota, f"group {name}")


def _size(limit: int | None) -> float:
    return inf if limit is None else limit
