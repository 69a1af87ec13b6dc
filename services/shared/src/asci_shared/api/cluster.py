"""The API's nouns that only admins see: nodes, policy, decisions, people, audit, series.

Read as in :mod:`asci_shared.api.models`: unknown members are ignored, a missing promised one raises. Sizes are bytes,
CPUs cores (float), shares 0 to 1, times aware datetimes in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from asci_shared.api.models import Amount, Environment, Json, Needs, moment


@dataclass(frozen=True, slots=True)
class Taint:
    """What keeps sessions away that do not name it."""

    key: str
    value: str
    effect: str

    @property
    def text(self) -> str:
        """``key=value`` or ``key``, as forms take it."""
        return f"{self.key}={self.value}" if self.value else self.key

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json["key"], json.get("value") or "", json.get("effect") or "NoStart")


@dataclass(frozen=True, slots=True)
class Resources:
    """Of a node: what there is, or what is promised to sessions."""

    cpus: float
    memory: int
    gpus: int
    instances: int = 0
    """How many sessions; of what is promised."""

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json["cpus"], json["memory"], int(json.get("gpus") or 0), int(json.get("instances") or 0))


@dataclass(frozen=True, slots=True)
class NodeGpu:
    """One GPU of the ledger."""

    index: int
    uuid: str
    model: str
    memory: int
    slots: int
    mode: str
    """``free``, ``shared`` or ``exclusive``."""
    used_slots: int
    instances: tuple[str, ...]

    @property
    def used(self) -> float:
        """Which share of it is taken, 0 to 1."""
        if self.mode == "exclusive":
            return 1.0
        return min(1.0, self.used_slots / self.slots) if self.slots else 0.0

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            index=int(json.get("index") or 0),
            uuid=json.get("uuid") or "",
            model=json.get("model") or "",
            memory=int(json.get("memory") or 0),
            slots=int(json.get("slots") or 1),
            mode=json.get("mode") or "free",
            used_slots=int(json.get("used_slots") or 0),
            instances=tuple(json.get("instances") or ()),
        )


@dataclass(frozen=True, slots=True)
class Drain:
    """Why and until when a node is emptied, or takes nothing new."""

    deadline: datetime | None
    reason: str
    by: str
    since: datetime | None

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            moment(json.get("deadline")), json.get("reason") or "", json.get("by") or "", moment(json.get("since"))
        )


@dataclass(frozen=True, slots=True)
class NodeImage:
    """An image that lies on a node."""

    environment: str
    """Name of the catalogue's entry, empty for an image of none."""
    name: str
    digest: str
    size: int

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            json.get("environment") or "", json.get("name") or "", json.get("digest") or "", int(json.get("size") or 0)
        )


@dataclass(frozen=True, slots=True)
class Node:
    """A machine with a Docker Engine."""

    name: str
    url: str
    publish: str
    labels: Mapping[str, str]
    engine_labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    state: str
    """``active``, ``cordoned``, ``draining``; ``down`` is observed."""
    wanted: str
    """What admins set."""
    drain: Drain | None
    capacity: Resources
    allocated: Resources
    overcommit_cpus: float
    overcommit_memory: float
    gpus: tuple[NodeGpu, ...]
    disk_total: int | None
    disk_free: int | None
    load_cpu: float | None
    """What its processors do, 0 to 1."""
    load_memory: int | None
    engine_version: str
    images: tuple[NodeImage, ...]
    last_seen: datetime | None
    down_since: datetime | None
    gone: bool
    error: str
    source: str
    """``file``, ``api`` or ``built-in``: only the second can be removed here."""

    @property
    def cpu_share(self) -> float:
        """Which share of its CPUs is promised to sessions; above 1 after a smaller overcommit."""
        whole = self.capacity.cpus * self.overcommit_cpus
        return self.allocated.cpus / whole if whole else 0.0

    @property
    def memory_share(self) -> float:
        """Which share of its memory is promised to sessions."""
        whole = self.capacity.memory * self.overcommit_memory
        return self.allocated.memory / whole if whole else 0.0

    @classmethod
    def read(cls, json: Json) -> Self:
        overcommit, disk, load = (json.get(name) or {} for name in ("overcommit", "disk", "load"))
        percent = load.get("cpu_percent")
        return cls(
            name=json["name"],
            url=json["url"],
            publish=json.get("publish") or "",
            labels=dict(json.get("labels") or {}),
            engine_labels=dict(json.get("engine_labels") or {}),
            taints=tuple(Taint.read(one) for one in json.get("taints") or ()),
            state=json["state"],
            wanted=json.get("wanted") or json["state"],
            drain=Drain.read(json["drain"]) if json.get("drain") else None,
            capacity=Resources.read(json["capacity"]),
            allocated=Resources.read(json["allocated"]),
            overcommit_cpus=float(overcommit.get("cpus") or 1.0),
            overcommit_memory=float(overcommit.get("memory") or 1.0),
            gpus=tuple(NodeGpu.read(one) for one in json.get("gpus") or ()),
            disk_total=disk.get("total"),
            disk_free=disk.get("free"),
            load_cpu=None if percent is None else percent / 100,
            load_memory=load.get("memory_used"),
            engine_version=(json.get("engine") or {}).get("version") or "",
            images=tuple(NodeImage.read(one) for one in json.get("images") or ()),
            last_seen=moment(json.get("last_seen")),
            down_since=moment(json.get("down_since")),
            gone=bool(json.get("gone")),
            error=json.get("error") or "",
            source=json.get("source") or "api",
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the scheduler says of one node."""

    name: str
    fits: bool
    reasons: tuple[str, ...]
    score: float | None

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json["name"], json["fits"], tuple(json.get("reasons") or ()), json.get("score"))


@dataclass(frozen=True, slots=True)
class Decision:
    """Why an instance is where it is."""

    at: datetime | None
    node: str
    score: float | None
    policy_revision: str
    nodes: tuple[Candidate, ...]

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            at=moment(json.get("at")),
            node=json["node"],
            score=json.get("score"),
            policy_revision=str(json.get("policy_revision") or ""),
            nodes=tuple(Candidate.read(one) for one in json.get("nodes") or ()),
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where an environment would go now, and why not elsewhere."""

    node: str
    """Empty where nothing fits now."""
    gpus: tuple[str, ...]
    score: float | None
    never_fits: bool
    nodes: tuple[Candidate, ...]
    queue_ahead: int

    @classmethod
    def read(cls, json: Json) -> Self:
        placement = json.get("placement") or {}
        return cls(
            node=placement.get("node") or "",
            gpus=tuple(str(one) for one in placement.get("gpus") or ()),
            score=placement.get("score"),
            never_fits=bool(json.get("never_fits")),
            nodes=tuple(Candidate.read(one) for one in json.get("nodes") or ()),
            queue_ahead=int(json.get("queue_ahead") or 0),
        )


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """An environment as admins see it."""

    environment: Environment
    image: str
    enabled: bool
    groups: tuple[str, ...]
    people: tuple[str, ...]
    restricted: bool
    """Whether only those groups and people may start it."""
    nodes_with_image: int
    problems: tuple[str, ...]

    @property
    def needs(self) -> Needs:
        return self.environment.needs

    @classmethod
    def read(cls, json: Json) -> Self:
        allow = json.get("allow") or {}
        groups, people = tuple(allow.get("groups") or ()), tuple(allow.get("people") or ())
        return cls(
            environment=Environment.read(json),
            image=json.get("image") or "",
            enabled=json.get("enabled", True),
            groups=groups,
            people=people,
            restricted=bool(groups or people),
            nodes_with_image=int(json.get("nodes_with_image") or 0),
            problems=tuple(json.get("problems") or ()),
        )


@dataclass(frozen=True, slots=True)
class Account:
    """A person as admins see her."""

    username: str
    name: str
    groups: tuple[str, ...]
    roles: tuple[str, ...]
    disabled: bool
    quota: Amount
    quota_from: str
    """``default``, ``group x`` or ``person``."""
    usage: Amount
    sign_ins: int
    last_seen: datetime | None

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            username=json["username"],
            name=json.get("name") or json["username"],
            groups=tuple(json.get("groups") or ()),
            roles=tuple(json.get("roles") or ()),
            disabled=bool(json.get("disabled")),
            quota=Amount.read(json.get("quota") or {}),
            quota_from=json.get("quota_from") or "default",
            usage=Amount.read(json.get("usage") or {}),
            sign_ins=int(json.get("sign_ins") or 0),
            last_seen=moment(json.get("last_seen")),
        )


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of the audit."""

    at: datetime
    actor: str
    action: str
    target: str
    instance: str
    address: str
    outcome: str
    detail: str
    request_id: str

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            at=datetime.fromisoformat(json["at"]),
            actor=json.get("actor") or "",
            action=json.get("action") or "",
            target=json.get("target") or "",
            instance=json.get("instance") or "",
            address=json.get("address") or "",
            outcome=json.get("outcome") or "",
            detail=_detail(json.get("detail")),
            request_id=json.get("request_id") or "",
        )


def _detail(detail: Any) -> str:
    if isinstance(detail, Mapping):
        return ", ".join(f"{name}: {value}" for name, value in detail.items() if value not in (None, "", [], {}))
    return str(detail or "")


@dataclass(frozen=True, slots=True)
class Step:
    """A call of the API that would mend something."""

    label: str
    method: str
    path: str
    body: Any

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json["label"], json["method"], json["path"], json.get("body"))


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that needs an admin."""

    kind: str
    what: str
    since: datetime | None
    hurts: int
    link: str
    action: Step | None

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            kind=json["kind"],
            what=json["what"],
            since=moment(json.get("since")),
            hurts=int(json.get("hurts") or 0),
            link=json.get("link") or "",
            action=Step.read(json["action"]) if json.get("action") else None,
        )


@dataclass(frozen=True, slots=True)
class Overview:
    """The cluster in a few numbers."""

    nodes: Mapping[str, int]
    """``total``, and how many are in which state."""
    instances: Mapping[str, int]
    queue_length: int
    longest_wait: float | None
    start_p50: float | None
    start_p95: float | None
    starts: int
    gpus_total: int
    gpus_used: float
    attention: tuple[Concern, ...]
    updated: datetime

    @classmethod
    def read(cls, json: Json) -> Self:
        queue, start, gpus = json["queue"], json["start_seconds"], json["gpus"]
        return cls(
            nodes=dict(json["nodes"]),
            instances=dict(json["instances"]),
            queue_length=queue["length"],
            longest_wait=queue.get("longest_wait_seconds"),
            start_p50=start.get("p50"),
            start_p95=start.get("p95"),
            starts=int(start.get("count") or 0),
            gpus_total=gpus["total"],
            gpus_used=gpus["used"],
            attention=tuple(Concern.read(one) for one in json.get("attention") or ()),
            updated=moment(json.get("updated")) or datetime.now(UTC),
        )


Series = tuple[float | None, ...]
"""One value per time; None where nothing was sampled."""


@dataclass(frozen=True, slots=True)
class NodeSeries:
    """What a node did; shares 0 to 1."""

    cpu: Series
    memory: Series
    gpus: Series
    instances: Series

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(*(tuple(json.get(name) or ()) for name in ("cpu", "memory", "gpus", "instances")))


@dataclass(frozen=True, slots=True)
class Stats:
    """Series for charts, all on one time axis."""

    times: tuple[float, ...]
    """Seconds since the epoch."""
    step_seconds: float
    instances: Mapping[str, Series]
    queue: Series
    start_p50: Series
    start_p95: Series
    nodes: Mapping[str, NodeSeries]

    @classmethod
    def read(cls, json: Json) -> Self:
        start = json.get("start_seconds") or {}
        return cls(
            times=tuple(json["times"]),
            step_seconds=json.get("step_seconds") or 0,
            instances={state: tuple(values) for state, values in json["instances"].items()},
            queue=tuple(json.get("queue") or ()),
            start_p50=tuple(start.get("p50") or ()),
            start_p95=tuple(start.get("p95") or ()),
            nodes={name: NodeSeries.read(one) for name, one in (json.get("nodes") or {}).items()},
        )
