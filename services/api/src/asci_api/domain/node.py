"""Machines with a Docker Engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from asci_api.domain.identity import NodeName


class NodeState(StrEnum):
    """Whether a node takes new instances."""

    ACTIVE = "active"
    CORDONED = "cordoned"
    """No new instances."""
    DRAINING = "draining"
    """No new instances; users are warned; over when empty."""
    DOWN = "down"
    """Its engine does not answer."""


@dataclass(frozen=True, slots=True)
class Resources:
    """An amount of what a node has: cores, bytes, whole GPUs."""

    cpus: float = 0.0
    memory: int = 0
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU of a node and who has it."""

    id: str
    slots: int = 1
    """How many instances may share it."""
    sharers: int = 0
    """How many do."""
    taken: bool = False
    """One instance has it for itself."""

    @property
    def whole(self) -> bool:
        """Nobody has any of it."""
        return not self.taken and self.sharers == 0

    @property
    def open(self) -> bool:
        """One more may share it."""
        return not self.taken and self.sharers < self.slots


@dataclass(frozen=True, slots=True)
class Taint:
    """Keeps instances off a node unless they tolerate it."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"


@dataclass(frozen=True, slots=True)
class NodeImage:
    """An image on a node."""

    id: str
    tags: tuple[str, ...]
    size: int
    environment: str = ""
    """The JSON of its label ``org.asci.environment``; empty without one."""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says of itself."""

    version: str
    api: str
    cpus: float
    memory: int
    labels: dict[str, str] = field(default_factory=dict)
    gateway: str = ""
    """Address on which instances' ports are published."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the last look found it. ``allocated`` is the sum over its instances' needs."""

    name: NodeName
    url: str
    state: NodeState
    capacity: Resources
    allocated: Resources = field(default_factory=Resources)
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    engine_version: str = ""
    engine_api: str = ""
    images: tuple[NodeImage, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    """Declared GPUs with what is allocated of them; empty where none are declared."""
    last_seen: float = 0.0
    error: str = ""
