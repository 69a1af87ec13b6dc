"""The API's nouns as pages read them. Unknown members are ignored, so that an older page reads a newer API.

Each ``read`` takes the decoded JSON object and raises KeyError, TypeError or ValueError when a member that the contract
promises is missing or of another shape. Times are aware datetimes in UTC, sizes bytes, CPUs cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

Json = Mapping[str, Any]


def moment(text: str | None) -> datetime | None:
    """An RFC 3339 time, None where the API has null."""
    return None if text is None else datetime.fromisoformat(text)


def moment_given(text: str) -> datetime:
    """An RFC 3339 time that is always there."""
    return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, by user name and display name."""

    username: str
    name: str

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json["username"], json["name"] or json["username"])


@dataclass(frozen=True, slots=True)
class Amount:
    """Sessions and GPUs: how many one has, or may have (None: as many as there are)."""

    sessions: int | None
    gpus: int | None

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json.get("sessions"), json.get("gpus"))


@dataclass(frozen=True, slots=True)
class Me:
    """The person signed in."""

    username: str
    name: str
    email: str
    groups: tuple[str, ...]
    roles: tuple[str, ...]
    uid: int
    gid: int
    quota: Amount
    usage: Amount
    session_expires_at: datetime | None
    idle_seconds: int | None

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    @classmethod
    def read(cls, json: Json) -> Self:
        session = json.get("session") or {}
        return cls(
            username=json["username"],
            name=json["name"] or json["username"],
            email=json.get("email") or "",
            groups=tuple(json.get("groups", ())),
            roles=tuple(json["roles"]),
            uid=json["uid"],
            gid=json["gid"],
            quota=Amount.read(json.get("quota") or {}),
            usage=Amount.read(json.get("usage") or {}),
            session_expires_at=moment(session.get("expires_at")),
            idle_seconds=session.get("idle_seconds"),
        )


@dataclass(frozen=True, slots=True)
class SignIn:
    """A fresh token and whose it is."""

    token: str
    expires_at: datetime
    user: Me

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json["token"], moment_given(json["expires_at"]), Me.read(json["user"]))


@dataclass(frozen=True, slots=True)
class Gpu:
    """GPUs an environment asks for."""

    mode: str
    """``none``, ``shared`` or ``exclusive``."""
    count: int

    @classmethod
    def read(cls, json: Json | str | int | None) -> Self | None:
        if json is None or json in ("none", 0):
            return None
        if isinstance(json, str):
            return cls(json, 1)
        if isinstance(json, int):
            return cls("exclusive", json)
        return cls(json.get("mode", "exclusive"), json.get("count", 1))


@dataclass(frozen=True, slots=True)
class Needs:
    """What an environment takes of a node."""

    cpus: float
    memory: int
    gpu: Gpu | None
    selector: str

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json["cpus"], json["memory"], Gpu.read(json.get("gpu")), json.get("selector") or "")


@dataclass(frozen=True, slots=True)
class Environment:
    """A catalogue entry."""

    name: str
    title: str
    description: str
    kind: str
    icon: str
    tags: tuple[str, ...]
    needs: Needs
    startable: bool
    reason: str
    """Why it is not startable, one sentence; empty where it is."""
    usual_seconds: float | None
    waiting: int

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            name=json["name"],
            title=json["title"],
            description=json.get("description") or "",
            kind=json["kind"],
            icon=json.get("icon") or "",
            tags=tuple(json.get("tags", ())),
            needs=Needs.read(json["needs"]),
            startable=json["startable"],
            reason=json.get("reason") or "",
            usual_seconds=json.get("usual_seconds"),
            waiting=json.get("waiting") or 0,
        )


@dataclass(frozen=True, slots=True)
class EnvironmentName:
    """An environment as an instance carries it."""

    name: str
    title: str
    icon: str

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json["name"], json.get("title") or json["name"], json.get("icon") or "")


@dataclass(frozen=True, slots=True)
class Step:
    """One of the steps of a start."""

    name: str
    state: str
    """``done``, ``now`` or ``ahead``."""
    seconds: float | None

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json["name"], json["state"], json.get("seconds"))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a start is, readable by a person."""

    step: int
    of: int
    percent: int | None
    message: str
    seconds: float
    usual_seconds: float | None
    steps: tuple[Step, ...]

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            step=json["step"],
            of=json["of"],
            percent=json.get("percent"),
            message=json.get("message") or "",
            seconds=json.get("seconds") or 0.0,
            usual_seconds=json.get("usual_seconds"),
            steps=tuple(Step.read(step) for step in json.get("steps", ())),
        )


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where in line, and why not now."""

    place: int
    reasons: tuple[str, ...]
    since: datetime | None

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json["place"], tuple(json.get("reasons", ())), moment(json.get("since")))


@dataclass(frozen=True, slots=True)
class Share:
    """Another person's right to an instance."""

    username: str
    name: str
    mode: str
    last_seen: datetime | None

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(json["username"], json["name"] or json["username"], json["mode"], moment(json.get("last_seen")))


@dataclass(frozen=True, slots=True)
class Connection:
    """One viewer on one instance."""

    id: str
    username: str
    name: str
    mode: str
    since: datetime | None
    last_input: datetime | None

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            id=json["id"],
            username=json["username"],
            name=json["name"] or json["username"],
            mode=json["mode"],
            since=moment(json.get("since")),
            last_input=moment(json.get("last_input")),
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an instance failed: hop, cause, next step, and the id under which every log has it."""

    hop: str
    cause: str
    detail: str
    next_step: str
    request_id: str

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            hop=json.get("hop") or "",
            cause=json.get("cause") or "",
            detail=json.get("detail") or "",
            next_step=json.get("next_step") or "",
            request_id=json.get("request_id") or "",
        )


@dataclass(frozen=True, slots=True)
class DrainNotice:
    """The session's node is being emptied; with a deadline the session ends then, and ``expires_at`` says so."""

    node: str
    reason: str
    deadline: datetime | None

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(node=json["node"], reason=json.get("reason") or "", deadline=moment(json.get("deadline")))


@dataclass(frozen=True, slots=True)
class Instance:
    """One running environment of one owner; pages say "session"."""

    id: str
    revision: int
    owner: Person
    environment: EnvironmentName
    kind: str
    title: str
    state: str
    state_since: datetime | None
    progress: Progress | None
    queue: QueuePlace | None
    node: str
    gpus: tuple[str, ...]
    created_at: datetime
    running_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    longest_life_seconds: float
    """Its owner may extend it to this many seconds from now."""
    my_access: str
    """``owner``, ``control``, ``view`` or ``admin``."""
    shares: tuple[Share, ...]
    connections: tuple[Connection, ...]
    warning: str
    """What is wrong with it while it runs, a sentence; empty where nothing is."""
    drain: DrainNotice | None
    error: Failure | None
    end_reason: str
    geometry: str
    needs: Needs | None
    image: str
    renderer: str
    request_id: str

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(
            id=json["id"],
            revision=json["revision"],
            owner=Person.read(json["owner"]),
            environment=EnvironmentName.read(json["environment"]),
            kind=json["kind"],
            title=json["title"],
            state=json["state"],
            state_since=moment(json.get("state_since")),
            progress=Progress.read(json["progress"]) if json.get("progress") else None,
            queue=QueuePlace.read(json["queue"]) if json.get("queue") else None,
            node=json.get("node") or "",
            gpus=tuple(str(gpu) for gpu in json.get("gpus") or ()),
            created_at=moment_given(json["created_at"]),
            running_at=moment(json.get("running_at")),
            ended_at=moment(json.get("ended_at")),
            expires_at=moment(json.get("expires_at")),
            longest_life_seconds=json.get("longest_life_seconds") or 0.0,
            my_access=json["my_access"],
            shares=tuple(Share.read(share) for share in json.get("shares", ())),
            connections=tuple(Connection.read(connection) for connection in json.get("connections", ())),
            error=Failure.read(json["error"]) if json.get("error") else None,
            warning=json.get("warning") or "",
            drain=DrainNotice.read(json["drain"]) if json.get("drain") else None,
            end_reason=json.get("end_reason") or "",
            geometry=json.get("geometry") or "",
            needs=Needs.read(json["needs"]) if json.get("needs") else None,
            image=json.get("image") or "",
            renderer=json.get("renderer") or "",
            request_id=json.get("request_id") or "",
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """What the operator wants everybody to read."""

    id: str
    text: str
    level: str
    """``info`` or ``warning``."""

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(str(json.get("id", "")), json["text"], json.get("level") or "info")


@dataclass(frozen=True, slots=True)
class Log:
    """The last lines of an instance."""

    lines: tuple[str, ...]
    source: str
    """``container`` (it lives) or ``record`` (read before it was removed)."""

    @classmethod
    def read(cls, json: Json) -> Self:
        return cls(tuple(json["lines"]), json.get("from") or "container")
