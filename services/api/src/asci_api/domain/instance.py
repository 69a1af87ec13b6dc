"""One running environment of one owner, and its life.

=========  ======================================================  =====================================
state      means                                                   goes on to
=========  ======================================================  =====================================
queued     wanted, no place yet                                    placed, failed, stopped
placed     a node is chosen                                        pulling, starting, failed, stopping
pulling    the node fetches the image                              starting, failed, stopping
starting   container made, waiting for ASCI's own readiness probe  running, failed, stopping
running    the probe saw the RFB banner or the HTTP answer         stopping, stopped, failed, lost
stopping   its end is asked for, its time ran out, or it failed    stopped, failed
lost       its node does not answer                                running, stopped, failed
stopped    ended as wanted (or by log-out, or an engine restart)   --
failed     ended by a fault; ``error`` names hop, cause, next step --
=========  ======================================================  =====================================
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from asci_api.domain.decision import Decision
from asci_api.domain.environment import Kind, Needs
from asci_api.domain.identity import InstanceId, NodeName, Username
from asci_shared.redis_contract import Mode


class State(StrEnum):
    """Where an instance is in its life."""

    QUEUED = "queued"
    PLACED = "placed"
    PULLING = "pulling"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"


ENDED = frozenset({State.STOPPED, State.FAILED})
COMING = frozenset({State.QUEUED, State.PLACED, State.PULLING, State.STARTING})

_NEXT: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.PLACED, State.FAILED, State.STOPPED}),
    State.PLACED: frozenset({State.PULLING, State.STARTING, State.QUEUED, State.FAILED, State.STOPPING}),
    State.PULLING: frozenset({State.STARTING, State.QUEUED, State.FAILED, State.STOPPING}),
    State.STARTING: frozenset({State.RUNNING, State.QUEUED, State.FAILED, State.STOPPED, State.STOPPING, State.LOST}),
    State.RUNNING: frozenset({State.STOPPING, State.STOPPED, State.FAILED, State.LOST}),
    State.STOPPING: frozenset({State.STOPPED, State.FAILED}),
    State.LOST: frozenset({State.RUNNING, State.STARTING, State.STOPPING, State.STOPPED, State.FAILED}),
    State.STOPPED: frozenset(),
    State.FAILED: frozenset(),
}

STEP_NAMES = ("Place found", "Image", "Home folder and data", "Desktop")
"""Steps of a start; the last one is called after the instance's kind."""


class Hop(StrEnum):
    """Where on the way something failed (design, section 3)."""

    TICKET = "ticket"
    PROXY = "proxy"
    NODE = "node"
    IMAGE = "image"
    CONTAINER = "container"
    VNC = "VNC"
    GPU = "GPU"
    MOUNT = "mount"


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed, why, and the next step, in sentences for a person."""

    hop: Hop
    cause: str
    detail: str
    next_step: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an instance runs."""

    node: NodeName
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the instance's port is reached from controller and proxy."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Share:
    """Another person's right to an instance."""

    username: Username
    name: str
    mode: Mode
    since: float
    last_seen: float | None = None


@dataclass(frozen=True, slots=True)
class Generations:
    """Counts how often each secret of a desktop was replaced; ``written`` is what the desktop has."""

    control: int = 1
    view: int = 1
    written_control: int = 0
    written_view: int = 0

    @property
    def due(self) -> bool:
        """Whether the desktop's password file must be written."""
        return (self.control, self.view) != (self.written_control, self.written_view)

    def of(self, mode: Mode) -> int:
        return self.control if mode is Mode.CONTROL else self.view


@dataclass(frozen=True, slots=True)
class StopRequest:
    """That an instance shall end, and why. Never taken back."""

    by: str
    """User name, or ``asci`` for its own reasons."""
    reason: str
    """The sentence shown afterwards, such as ``Stopped by Mara Lindqvist.``"""
    at: float
    failure: Failure | None = None
    """Set where the end is a fault: the instance ends as ``failed``."""


@dataclass(frozen=True, slots=True)
class DrainNotice:
    """The instance's node is being emptied."""

    node: NodeName
    reason: str
    """A sentence; may be empty."""
    deadline: float | None
    """When it is ended, if it still runs then."""


@dataclass(frozen=True, slots=True)
class FailedNode:
    """A node that could not bring the instance up; it is not tried there again."""

    node: NodeName
    cause: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a waiting person reads."""

    step: int
    """1 to ``len(STEP_NAMES)``."""
    message: str
    percent: int | None = None
    done: tuple[float, ...] = ()
    """Seconds that each finished step took."""
    since: float = 0.0
    """When the present step began."""


@dataclass(frozen=True, slots=True)
class Instance:
    """The whole record of an instance. Times are seconds since the epoch (Unix, UTC)."""

    id: InstanceId
    owner: Username
    owner_name: str
    uid: int
    gid: int
    groups: tuple[tuple[str, int], ...]
    """The owner's supplementary groups at the start: name, gid."""
    environment: str
    environment_title: str
    icon: str
    kind: Kind
    title: str
    image: str
    """Reference."""
    image_id: str
    """Pinned id."""
    port: int
    """Port inside the container."""
    ready_path: str
    needs: Needs
    mounts: tuple[str, ...]
    geometry: str
    created_at: float
    expires_at: float
    request_id: str
    state: State = State.QUEUED
    state_since: float = 0.0
    revision: int = 0
    """Raised by one at each stored change; set by the store."""
    running_at: float | None = None
    ended_at: float | None = None
    stop: StopRequest | None = None
    placement: Placement | None = None
    endpoint: Endpoint | None = None
    container: str = ""
    """The container's id, once made."""
    attempts: int = 0
    """How many nodes were tried."""
    generations: Generations = field(default_factory=Generations)
    shares: tuple[Share, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why it is queued: a sentence per node."""
    progress: Progress | None = None
    warning: str = ""
    """A sentence about what is wrong with it while it runs, such as a home that cannot be written."""
    error: Failure | None = None
    end_reason: str = ""
    exit_code: int | None = None
    log: tuple[str, ...] = ()
    """The last lines, kept when the container is removed."""
    dismissed: bool = False
    """Taken off its owner's list."""
    lost_since: float | None = None
    decision: Decision | None = None
    """Why it is on its node; None until it has one."""
    source: str = ""
    """Where a node fetches the image: pinned by digest where it came from a registry; empty: nowhere."""
    failed_nodes: tuple[FailedNode, ...] = ()
    """Nodes that were tried in vain."""
    drain: DrainNotice | None = None
    """Set while its node is being emptied."""

    @property
    def ends_at(self) -> float:
        """When it is ended: its own time, or its node's deadline if that is earlier."""
        deadline = self.drain.deadline if self.drain else None
        return self.expires_at if deadline is None else min(self.expires_at, deadline)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def coming(self) -> bool:
        return self.state in COMING

    def share_of(self, username: str) -> Share | None:
        """The share of a person, or None."""
        return next((share for share in self.shares if share.username == username), None)

    def audience(self) -> tuple[str, ...]:
        """User names that may know of this instance."""
        return (self.owner, *(share.username for share in self.shares))

    def to(self, state: State, now: float, **changes: object) -> Instance:
        """The instance in its next state. Raises ValueError on a step that the table does not have."""
        if state not in _NEXT[self.state]:
            raise ValueError(f"instance {self.id} cannot go from {self.state} to {state}")
        return replace(self, state=state, state_since=now, **changes)  # type: ignore[arg-type]
