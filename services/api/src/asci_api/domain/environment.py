"""A catalogue entry: what may be started."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

ENVIRONMENT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

MIB = 1024**2
GIB = 1024**3


class Kind(StrEnum):
    """What a person meets when she opens an instance."""

    DESKTOP = "desktop"
    WEB = "web"
    SERVICE = "service"

    @property
    def noun(self) -> str:
        """What people call it."""
        return "application" if self is Kind.WEB else str(self)


class GpuShare(StrEnum):
    """How an environment uses GPUs."""

    SHARED = "shared"
    EXCLUSIVE = "exclusive"


@dataclass(frozen=True, slots=True)
class GpuNeed:
    """``exclusive``: ``count`` whole GPUs; ``shared``: one slot on each of ``count`` GPUs."""

    share: GpuShare
    count: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What an instance is given, and what a node must have for it."""

    cpus: float = 1.0
    """Cores."""
    memory: int = 1 * GIB
    """Bytes; the container's limit."""
    shm: int | None = None
    """Bytes of /dev/shm; None means a quarter of memory."""
    tmp: int = 1 * GIB
    """Bytes of the tmpfs on /tmp."""
    pids: int = 4096
    gpu: GpuNeed | None = None
    selector: str = ""
    """Kubernetes label selector over node labels."""
    whole_node: bool = False
    """It takes a dedicated (tainted) node for itself, as a beamline's online processing does."""

    @property
    def shm_bytes(self) -> int:
        return self.memory // 4 if self.shm is None else self.shm


@dataclass(frozen=True, slots=True)
class Environment:
    """One entry of the catalogue, as its image describes it and the operator's overlay allows it."""

    name: str
    title: str
    description: str
    kind: Kind
    icon: str
    image: str
    """Reference to start from, such as ``asci/env-desktop:dev``."""
    image_id: str
    """What the reference meant when the catalogue was read (``sha256:…``); pinned at start."""
    port: int = 5901
    ready_path: str = "/"
    """For kinds with HTTP: the path that answers when the program is ready."""
    tags: tuple[str, ...] = ()
    needs: Needs = field(default_factory=Needs)
    mounts: tuple[str, ...] = ()
    """Names of mounts that the operator declared."""
    lifetime: float | None = None
    """Seconds; None: the policy's default."""
    allow: tuple[str, ...] = ()
    """Groups that may start it; with no people beside them, empty means everybody."""
    enabled: bool = True
    allow_people: tuple[str, ...] = ()
    """User names that may start it, whatever their groups."""
    problems: tuple[str, ...] = ()
    """What is wrong with its image or its overlay, in sentences for admins."""
    source: str = ""
    """Where nodes fetch it: ``registry/repository@sha256:…``, or a reference; empty where no registry has it."""


@dataclass(frozen=True, slots=True)
class Allow:
    """Who may start an environment; both empty means everybody."""

    groups: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentSwitch:
    """What admins decided about an environment, above its image's label and the operator's overlay."""

    enabled: bool = True
    """False takes it off the offer. True does not bring back what the operator's overlay took off."""
    allow: Allow | None = None
    """None: as label and overlay say."""
    revision: int = 0
    """Raised by one at each stored change; set by the store."""

    def over(self, environment: Environment) -> Environment:
        """The environment as it is offered. Applying it again changes nothing."""
        offered = replace(environment, enabled=environment.enabled and self.enabled)
        if self.allow is None:
            return offered
        return replace(offered, allow=self.allow.groups, allow_people=self.allow.people)
