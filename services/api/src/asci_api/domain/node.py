"""Machines with a Docker Engine: how they are registered, what admins want of them, what was seen."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from asci_api.domain.identity import InstanceId, NodeName

NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")


class NodeState(StrEnum):
    """Whether a node takes new instances."""

    ACTIVE = "active"
    CORDONED = "cordoned"
    """No new instances."""
    DRAINING = "draining"
    """No new instances; users are warned; over when empty."""
    DOWN = "down"
    """Its engine does not answer. Observed, never wanted."""


class NodeSource(StrEnum):
    """Who registered a node, and so who may take it away."""

    BUILT_IN = "built-in"
    """The machine that ASCI itself runs on."""
    FILE = "file"
    """``nodes.yaml`` of the operator's configuration."""
    API = "api"
    """An admin."""


@dataclass(frozen=True, slots=True)
class Resources:
    """An amount of what a node has: cores, bytes, whole GPUs."""

    cpus: float = 0.0
    memory: int = 0
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Overcommit:
    """How often each core and each byte of a node may be promised."""

    cpus: float = 1.0
    memory: float = 1.0


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU of a node and who has it."""

    id: str
    """Its UUID, such as ``GPU-…``; of a declared one without hardware ``<node>-<index>``."""
    slots: int = 1
    """How many instances may share it."""
    sharers: int = 0
    """How many do."""
    taken: bool = False
    """One instance has it for itself."""
    index: int = 0
    """Its place in the node."""
    model: str = ""
    memory: int = 0
    """Bytes."""
    instances: tuple[InstanceId, ...] = ()
    """Who has any of it."""

    @property
    def whole(self) -> bool:
        """Nobody has any of it."""
        return not self.taken and self.sharers == 0

    @property
    def open(self) -> bool:
        """One more may share it."""
        return not self.taken and self.sharers < self.slots

    @property
    def mode(self) -> str:
        """``free``, ``shared`` or ``exclusive``."""
        return "exclusive" if self.taken else "shared" if self.sharers else "free"


@dataclass(frozen=True, slots=True)
class DeclaredGpu:
    """A GPU as it was declared with its node."""

    model: str = ""
    memory: int = 0
    """Bytes; 0 where nobody said."""
    slots: int = 1
    uuid: str = ""
    """Empty: named after the node and its place in it."""


@dataclass(frozen=True, slots=True)
class Taint:
    """Keeps instances off a node unless their selector asks for a label of this name and value."""

    key: str
    value: str = ""
    effect: str = "NoStart"


@dataclass(frozen=True, slots=True)
class NodeRegistration:
    """Where a node is, and how it begins. No certificate travels: ``tls`` names a folder that the operator placed."""

    name: NodeName
    url: str
    """``tcp://host:2376`` with ``tls``, or ``unix:///path``."""
    publish: str = ""
    """Private address on which its instances are reached; empty: the gateway of the instances' bridge, which only the
    node itself reaches."""
    tls: str = ""
    """Folder below ``<config>/tls`` with ``ca.pem``, ``cert.pem`` and ``key.pem``; empty for a Unix socket."""
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    overcommit: Overcommit | None = None
    """None: the policy's."""
    gpus: tuple[DeclaredGpu, ...] = ()
    source: NodeSource = NodeSource.API


@dataclass(frozen=True, slots=True)
class Drain:
    """A node is being emptied."""

    reason: str
    """A sentence for the people on it; may be empty."""
    by: str
    since: float
    deadline: float | None = None
    """What still runs then is ended; None: it waits for ever."""


@dataclass(frozen=True, slots=True)
class NodeOverlay:
    """What admins decided over a node; stands above its registration and its engine's labels."""

    labels: dict[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    """Names of labels that are hidden, whoever set them."""
    taints: tuple[Taint, ...] | None = None
    """None: the registration's."""
    wanted: NodeState = NodeState.ACTIVE
    """``active``, ``cordoned`` or ``draining``."""
    drain: Drain | None = None
    """Set while ``draining`` is wanted."""
    overcommit: Overcommit | None = None
    """None: the registration's, else the policy's."""
    gone: bool = False
    """An admin declared the machine gone: its instances end with ``gone_reason`` and its GPUs are free."""
    gone_reason: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes of the file system that holds the engine's data."""

    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Load:
    """What the node's instances use at the moment."""

    cpu_percent: float
    """100 is the whole machine."""
    memory_used: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class NodeImage:
    """An image on a node."""

    id: str
    tags: tuple[str, ...]
    size: int
    environment: str = ""
    """The JSON of its label ``org.asci.environment``; empty without one."""
    digest: str = ""
    """``repository@sha256:…`` as the registry knows it; empty where it came from none."""


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
    gpus: tuple[DeclaredGpu, ...] = ()
    """Those that it tells of by itself; the registration's count above them."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the last look found it, with what admins decided laid over it (``domain/overlay.py``)."""

    name: NodeName
    url: str
    state: NodeState
    """``down`` while its engine does not answer, else what is wanted."""
    capacity: Resources
    allocated: Resources = field(default_factory=Resources)
    """The sum over its instances' needs."""
    labels: dict[str, str] = field(default_factory=dict)
    """Effective: the engine's, the registration's, the overlay's."""
    taints: tuple[Taint, ...] = ()
    """Effective."""
    engine_version: str = ""
    engine_api: str = ""
    images: tuple[NodeImage, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    """Declared GPUs with what is allocated of them; empty where none are declared."""
    last_seen: float = 0.0
    error: str = ""
    publish: str = ""
    """Address on which proxies reach its instances."""
    engine_labels: dict[str, str] = field(default_factory=dict)
    """What its engine says of itself, under everything else."""
    overcommit: Overcommit | None = None
    """Its own; None: the policy's."""
    instances: int = 0
    """How many have a place on it."""
    whole: bool = False
    """One instance has all of it."""
    wanted: NodeState = NodeState.ACTIVE
    drain: Drain | None = None
    gone: bool = False
    down_since: float | None = None
    disk: Disk | None = None
    load: Load | None = None
    source: NodeSource = NodeSource.BUILT_IN
