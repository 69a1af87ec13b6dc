"""The doors' shapes: what the verbs need of stores, engines, directories and clocks.

Adapters in ``store``, ``engine``, ``directory`` and ``catalogue`` satisfy these; fakes in ``tests/support`` do too, and
one contract suite holds both to the same behaviour. Unless a docstring says otherwise every method may raise
:class:`~asci_api.domain.errors.Unavailable` when the part behind it does not answer. While the sentinel is missing
every write of a durable fact raises :class:`~asci_api.domain.errors.Restoring`, and so does every reading that would
answer "there is none": lists always, a single record where it is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from asci_api.domain.audit import EVERYTHING, AuditEntry, AuditFilter
from asci_api.domain.environment import Environment, EnvironmentSwitch
from asci_api.domain.identity import InstanceId, NodeName, Person, Username
from asci_api.domain.instance import Endpoint, Instance
from asci_api.domain.node import EngineFacts, Node, NodeImage, NodeOverlay, NodeRegistration
from asci_api.domain.policy import Policy
from asci_api.domain.stats import StatsSample
from asci_shared.redis_contract import Lease, Mode, Revocation, RevocationKind, Ring, Ticket, TokenRecord


class Clock(Protocol):
    """Unix time in seconds."""

    def __call__(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Fence:
    """Proof of leadership: which restore, and which term of office in it. Writes of a later holder refuse it."""

    epoch: int
    number: int


class Instances(Protocol):
    """The records of instances. A store bound to a :class:`Fence` raises ``Fenced`` once another leads.

    Lists leave ``log`` empty; ``get`` and ``change`` give whole records."""

    def get(self, instance: InstanceId) -> Instance | None: ...

    def all(self) -> list[Instance]:
        """Every record, oldest first."""

    def visible_to(self, username: Username) -> list[Instance]:
        """Those that she owns or that are shared with her, oldest first."""

    def active(self) -> list[Instance]:
        """Those that have not ended, oldest first."""

    def add(self, instance: Instance) -> Instance:
        """Store a new record (revision 1), ring, and wake the controller. Raises ``Conflict`` if the id is taken."""

    def change(self, instance: InstanceId, step: Callable[[Instance], Instance | None]) -> Instance:
        """Read, apply ``step``, and store if nobody wrote between; else again. ``None`` or an equal record from
        ``step`` stores nothing. Rings the audience before and after, and wakes the controller unless the store is
        the controller's own (fenced). Returns the record as it stands.
        Raises ``NotFound``; ``Fenced`` in a fenced store; whatever ``step`` raises."""

    def forget(self, instance: InstanceId) -> None:
        """Remove an ended record for good; one that is gone is fine. Raises ``Conflict`` if it has not ended."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an idempotency key led to."""

    fingerprint: str
    instance: InstanceId


class Idempotency(Protocol):
    """Remembers for a day what ``POST /instances`` with a key made."""

    def claim(self, username: Username, key: str, fingerprint: str, instance: InstanceId) -> Remembered | None:
        """Claim the key for ``instance`` atomically; what was remembered before, if anything."""

    def release(self, username: Username, key: str) -> None:
        """Forget a claim whose instance was not made."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Sign-ins of a person that stand."""

    sign_ins: int = 0
    last_seen: float | None = None
    """When one of them was last used (Unix time); None without any."""


class Tokens(Protocol):
    """Sign-in tokens by their SHA-256 (hex)."""

    def add(self, token_hash: str, record: TokenRecord) -> None: ...

    def use(self, token_hash: str) -> TokenRecord | None:
        """The record, its idle time renewed; None if there is none (or it passed ``expires_at``).
        Raises ``Restoring`` where it is missing while the sentinel is missing: absence is no evidence then."""

    def drop(self, token_hash: str) -> None: ...

    def of(self, username: Username) -> list[str]:
        """Hashes of all sign-ins of a person."""

    def seen(self, usernames: Sequence[Username]) -> dict[Username, Seen]:
        """How many sign-ins each of these people has, and when the last of them was used."""

    def standing(self) -> dict[str, TokenRecord]:
        """Every sign-in that stands, by its hash; none is renewed by it."""


class Attempts(Protocol):
    """Counts failed sign-ins per account and address."""

    def blocked(self, username: str, address: str) -> int:
        """Seconds until the next try is allowed; 0 for now."""

    def failed(self, username: str, address: str) -> None: ...

    def succeeded(self, username: str, address: str) -> None: ...


class Tickets(Protocol):
    """Rights to open one connection."""

    def issue(self, ticket: Ticket, revision: int | None = None) -> Ticket:
        """Store it for 30 s with ``issued_at`` from Redis' clock; the ticket as stored. With ``revision`` it raises
        ``Changed`` unless the instance still is at that revision: a right that was checked before a revocation
        makes no ticket after it."""


class Presence(Protocol):
    """Who is connected, as the proxies say."""

    def of(self, instances: Iterable[InstanceId]) -> dict[InstanceId, list[Lease]]:
        """Live leases by instance, oldest first; every asked instance has an entry."""


class Revocations(Protocol):
    """Tombstones for live connections."""

    def revoke(
        self,
        kind: RevocationKind,
        *,
        code: int,
        reason: str,
        instance: str = "",
        username: str = "",
        connection: str = "",
        token: str = "",
        modes: Sequence[Mode] = (Mode.CONTROL, Mode.VIEW),
        generation: int = 0,
    ) -> Revocation:
        """Write the tombstone with Redis' time and push it, atomically."""

    def ended(self, token: str) -> bool:
        """Whether this sign-in (hash of its token) was dropped in the last 10 minutes; tells it from one that nobody
        used. Costs the same however many ended."""


class Rings(Protocol):
    """Tells pages that something changed."""

    def ring(self, ring: Ring) -> None: ...


class Audit(Protocol):
    """The book of deeds, newest first when read. Reading raises ``Restoring`` while the sentinel is missing."""

    def record(self, entry: AuditEntry, *, once_per: int = 0) -> None:
        """Write a line. With ``once_per`` seconds, no second one with the same who, what, target and outcome is
        written within them."""

    def find(self, wanted: AuditFilter = EVERYTHING, *, after: str = "", limit: int = 100) -> list[AuditEntry]:
        """At most ``limit`` lines; with ``after`` those that stand behind (are older than) the line of that id."""

    def each(self, wanted: AuditFilter = EVERYTHING) -> Iterator[AuditEntry]:
        """All of them, read as they are taken."""


class Cluster(Protocol):
    """What the controller last saw. A missing snapshot is no evidence that there is nothing."""

    def nodes(self) -> list[Node] | None:
        """The nodes, or None when no fresh snapshot stands (older than three periods)."""

    def put_nodes(self, nodes: Sequence[Node]) -> None: ...

    def environments(self) -> list[Environment] | None:
        """The catalogue as the engines' images say; kept until replaced; None before the first look."""

    def put_environments(self, environments: Sequence[Environment]) -> None:
        """Replaces it; rings topic ``catalogue`` when it differs."""

    def record_start(self, environment: str, seconds: float) -> None:
        """Adds one start's seconds (click to ready) to the last 50."""

    def usual_seconds(self, environments: Iterable[str]) -> dict[str, float]:
        """Median seconds of the last starts, for those environments that have any."""

    def leader(self) -> str | None:
        """The name of the controller that leads; None while none does."""

    def copies(self) -> dict[str, float]:
        """Controller -> when its durable copy last had everything (Unix time); those of the last minutes only."""


class Policies(Protocol):
    """The policy in force."""

    def get(self) -> Policy:
        """What admins set, else the defaults (revision 0)."""

    def change(self, step: Callable[[Policy], Policy]) -> Policy:
        """Read, apply ``step``, and store with the next revision if nobody wrote between; else again. An equal policy
        stores nothing. Wakes the controller. Returns the policy as it stands. Raises whatever ``step`` raises."""


class Registrations(Protocol):
    """The nodes that admins registered through the API. Those of the operator's file and the built-in one are not
    here: ``work/registered_nodes.py`` gives all of them."""

    def all(self) -> list[NodeRegistration]:
        """By name."""

    def add(self, registration: NodeRegistration) -> None:
        """Store a new one and wake the controller. Raises ``Conflict`` (``node-exists``) if the name is taken."""

    def remove(self, node: NodeName) -> None:
        """Forget it, and what admins decided over it, and wake the controller; one that is gone is fine."""


class Overlays(Protocol):
    """What admins decided over nodes, however those were registered."""

    def all(self) -> Mapping[NodeName, NodeOverlay]:
        """Every one that was ever changed; the others stand at ``NodeOverlay()``."""

    def change(self, node: NodeName, step: Callable[[NodeOverlay], NodeOverlay]) -> NodeOverlay:
        """Read, apply ``step``, and store if nobody wrote between; else again. Wakes the controller. Returns it as it
        stands. Raises whatever ``step`` raises."""


class Switches(Protocol):
    """What admins decided about environments, by name."""

    def all(self) -> Mapping[str, EnvironmentSwitch]:
        """Every one that was ever changed; the others stand at ``EnvironmentSwitch()``."""

    def change(self, environment: str, step: Callable[[EnvironmentSwitch], EnvironmentSwitch]) -> EnvironmentSwitch:
        """As that of ``Overlays``; raises the revision, and rings topic ``catalogue``."""


class Stats(Protocol):
    """What the controller counted, for charts. Not durable. A store bound to a :class:`Fence` raises ``Fenced`` once
    another leads."""

    def add(self, sample: StatsSample) -> None:
        """Keep a sample, and thin out older ones (``domain/stats.py``). One in the step of the last, or before it, is
        left out."""

    def since(self, at: float, step: int) -> list[StatsSample]:
        """Samples from ``at`` on, oldest first, at one of the steps of ``domain/stats.STEPS``."""


class Wakes(Protocol):
    """How others hurry the controller."""

    def wake(self, payload: str = "") -> None:
        """Hurry it: an instance id, ``secret:<id>`` (write the desktop's passwords again), or empty (look round).
        Lost where nobody listens; the periodic look does the same a little later."""

    def wait(self, seconds: float) -> list[str]:
        """Payloads of ``asci:wake`` that came (instance ids, ``secret:<id>``, empty), after at most ``seconds``.
        Wakes are haste only: while Redis is away it waits the seconds out and answers with nothing."""


class Pulse(Protocol):
    """Whether the part behind the stores answers."""

    def beats(self) -> bool:
        """One ping of at most 1 s; never raises."""


class Leadership(Protocol):
    """The lock that one controller holds. All times in seconds."""

    def acquire(self) -> Fence | None:
        """Take or keep the lock; the fence of this term, or None while another leads.
        Where the sentinel is missing the fence belongs to a new epoch and ``restore`` must follow."""

    def holds(self, fence: Fence) -> bool:
        """Read the lease again; False once it is another's, ran out, or Redis does not answer."""

    def sentinel_stands(self) -> bool: ...

    def raise_sentinel(self, fence: Fence) -> None:
        """Say that the records are whole again. Raises ``Fenced``."""

    def release(self, fence: Fence) -> None: ...


class DurableCopy(Protocol):
    """The SQLite copy of durable facts."""

    def follow(self, seconds: float) -> int:
        """Copy the changes that came since the last call, waiting at most ``seconds`` for one; how many came."""

    def restore(self, fence: Fence) -> int:
        """Write every fact back into a Redis without sentinel; how many. Facts that stand there already win."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder of the node inside a container. A missing source is refused by the engine."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """All that an engine is told about an instance's container (made by ``engine/container_spec.py``, pure)."""

    name: str
    image: str
    labels: dict[str, str]
    environment: dict[str, str]
    user: str
    """``uid:gid``."""
    groups: tuple[str, ...]
    mounts: tuple[Mount, ...]
    tmpfs: dict[str, str]
    """Path -> options."""
    port: int
    """Port inside, published on the bridge's gateway."""
    network: str
    hostname: str
    cpus: float
    memory: int
    shm: int
    pids: int
    gpus: tuple[str, ...] = ()
    """Ids of the node's GPUs that it may use."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One container of this installation as an engine lists it."""

    container: str
    name: str
    instance: InstanceId
    labels: dict[str, str]
    status: str
    """``created``, ``running``, ``paused``, ``restarting``, ``removing``, ``exited`` or ``dead``."""
    created_at: float
    exit_code: int | None = None
    oom_killed: bool = False
    finished_at: float | None = None
    endpoint: Endpoint | None = None
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a container used until now, and uses."""

    cpu_seconds: float
    """Of one core, since it began."""
    memory: int
    """Bytes, without what the page cache could give back."""


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """A hint that something happened to a container or image; the periodic look is the truth."""

    subject: str
    """``container`` or ``image``."""
    action: str
    instance: InstanceId | None


class Engine(Protocol):
    """One node's Docker Engine. Every call has a deadline, is safe to repeat, and raises ``EngineAway`` when the engine
    does not answer, ``EngineFault`` (hop, cause) when it refuses."""

    @property
    def node(self) -> NodeName: ...

    def facts(self) -> EngineFacts:
        """Ping and describe."""

    def images(self) -> list[NodeImage]:
        """Images with the label ``org.asci.environment`` meant for this installation."""

    def image_id(self, image: str) -> str:
        """The id by which the node knows an id, reference or digest; empty where it has no such image."""

    def pull(self, image: str, progress: Callable[[int | None], None]) -> None:
        """Fetch it by reference or digest, telling percent (0-100, None while unknown). Raises ``ImageMissing``, and
        ``PullFailed`` where the registry is silent or the node has no room."""

    def observe(self) -> list[Observed]:
        """All containers of this installation's instances."""

    def look(self, container: str) -> Observed | None:
        """One container by id or name; None if it does not exist."""

    def usage(self, container: str) -> Usage | None:
        """What a container uses, read once; None if it does not run. Costs an engine a millisecond or two: few at a
        time."""

    def create(self, spec: ContainerSpec) -> str:
        """Make the container and give its id; one of that name that exists is adopted. Makes the instances' network
        when it is missing. Raises ``ImageMissing``, ``SourceMissing``."""

    def start(self, container: str) -> None:
        """Start it; one that runs already is fine."""

    def make_home(self, username: Username, uid: int, gid: int, image: str) -> None:
        """Make a home folder by a one-shot container of ``image`` (design, section 8). Raises hop ``mount``."""

    def write(self, container: str, user: str, command: Sequence[str], data: bytes) -> str:
        """Run ``command`` in the container as ``user`` with ``data`` on its standard input; gives what it said, cut.

        Raises EngineFault on a non-zero end."""

    def logs(self, container: str, lines: int) -> list[str]:
        """The last lines, oldest first; empty if the container is gone."""

    def stop(self, container: str, grace: float) -> None:
        """SIGTERM, after ``grace`` seconds SIGKILL; one that is stopped or gone is fine."""

    def remove(self, container: str) -> None:
        """Remove it by id, running or not; one that is gone is fine."""

    def events(self) -> Iterator[EngineEvent]:
        """Events of this installation from this call on, until the connection ends; ends or raises when it does."""


class Engines(Protocol):
    """The engines by node name, as registered now: they come and go."""

    def names(self) -> list[NodeName]: ...

    def registrations(self) -> Mapping[NodeName, NodeRegistration]:
        """How each was registered. Raises ``Unavailable`` before the records could be read for the first time."""

    def get(self, node: NodeName) -> Engine:
        """Raises ``NotFound``. The engine is the calling thread's own (clients are not shared between threads)."""


class Readiness(Protocol):
    """ASCI's own probe (design, section 3)."""

    def ready(self, instance: Instance, endpoint: Endpoint) -> bool:
        """One look: the RFB banner came, or the HTTP path answered. False otherwise; never raises; at most 1 s."""


class Directory(Protocol):
    """Who people are: local accounts here, LDAP or OIDC at other sites."""

    def authenticate(self, username: str, password: str) -> Person | None:
        """The person if name and password match and she is not disabled. An unknown name costs the same time."""

    def get(self, username: str) -> Person | None:
        """The person; None only where that is certain, for her sign-ins end then. Raises ``Unavailable``."""

    def everybody(self) -> list[Person]:
        """All people that are known, by user name, also disabled ones. A site's directory may know only those who
        signed in once."""

    def search(self, text: str, limit: int = 10) -> list[Person]:
        """People whose user name or a word of whose name begins with ``text``, without regard to case."""

    def change_password(self, username: Username, new: str) -> None:
        """Raises ``InvalidInput`` when it is too weak, ``Conflict`` where the directory is read-only."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that the operator shows on every page."""

    id: str
    text: str
    level: str = "info"


class Notices(Protocol):
    """The operator's notice."""

    def current(self) -> Notice | None: ...
