"""What api, controller and proxy say to each other through Redis: key names, values, channels.

Pure: no connection is made here. Values are JSON objects (UTF-8). Times are seconds since the epoch (float) of *Redis'*
clock (``TIME``) where two processes compare them. The API's own keys stand in ``asci_api.store.keys``.

====================================  ========  ==========================  ===========================================
key                                   type      expiry                      losing it costs
====================================  ========  ==========================  ===========================================
``asci:sentinel``                     string    none                        writes wait until the leader has restored
``asci:token:{sha256}``               string    idle time, renewed by use   restored by the leader from its SQLite copy
``asci:ticket:{connection}``          string    30 s, taken by GETDEL       a second click
``asci:lease:{connection}``           string    90 s, written every beat    one beat: the proxy writes it again
``asci:presence:{instance}``          zset      90 s, written every beat    one beat; member connection, score expiry
``asci:audience:{instance}``          set       none                        restored by the leader
``asci:revocations``                  zset      10 min, trimmed             pushes were sent already; score Redis time
====================================  ========  ==========================  ===========================================

Channels: ``asci:revoked`` carries a :class:`Revocation`; ``asci:ring`` carries a :class:`Ring`; ``asci:wake`` wakes the
controller (payload: an instance id or empty).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

SENTINEL = "asci:sentinel"
REVOCATIONS = "asci:revocations"
CHANNEL_REVOKED = "asci:revoked"
CHANNEL_RING = "asci:ring"
CHANNEL_WAKE = "asci:wake"

TICKET_SECONDS = 30
LEASE_SECONDS = 90
BEAT_SECONDS = 5.0
REVOCATION_SECONDS = 600


def token_key(token_hash: str) -> str:
    """Where a sign-in token's record stands; ``token_hash`` is SHA-256 in hex."""
    return f"asci:token:{token_hash}"


def ticket_key(connection: str) -> str:
    """Where the ticket of a connection stands until it is taken."""
    return f"asci:ticket:{connection}"


def lease_key(connection: str) -> str:
    """Where the proxy writes who is connected."""
    return f"asci:lease:{connection}"


def presence_key(instance: str) -> str:
    """The index of an instance's leases."""
    return f"asci:presence:{instance}"


def audience_key(instance: str) -> str:
    """User names that may know of the instance: its owner and everyone it is shared with."""
    return f"asci:audience:{instance}"


class Mode(StrEnum):
    """What a connection or share may do."""

    CONTROL = "control"
    VIEW = "view"


class Document:
    """JSON in and out for the dataclasses below. Unknown fields of a newer version are ignored when read."""

    def to_json(self) -> str:
        """The object as compact JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=False)  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read it back. Raises ValueError or TypeError when the text is not such an object."""
        values: dict[str, Any] = json.loads(text)
        if not isinstance(values, dict):
            raise TypeError("a JSON object is wanted")
        known = cls.__dataclass_fields__  # type: ignore[attr-defined]
        for name in list(values):
            if name not in known:
                del values[name]
            elif isinstance(values[name], list):  # JSON has no tuples; the dataclasses have no lists
                values[name] = tuple(values[name])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class TokenRecord(Document):
    """A signed-in person, under the hash of her token."""

    username: str
    name: str
    roles: tuple[str, ...]
    created_at: float
    """When she signed in."""
    expires_at: float
    """The token ends then even when used."""
    idle_seconds: int
    """The key's expiry; whoever sees the token used sets it anew."""
    address: str = ""
    """Where she signed in from."""


@dataclass(frozen=True, slots=True)
class Ticket(Document):
    """The short-lived, single-use right to open one connection. Holds no secret."""

    connection: str
    instance: str
    kind: str
    """``desktop``, ``web`` or ``service``."""
    address: str
    """Host name or address that the proxy dials."""
    port: int
    username: str
    name: str
    """The person's display name."""
    owner: str
    token: str
    """SHA-256 (hex) of the sign-in token that asked; the cookie at the upgrade must have the same hash."""
    mode: str
    generation: int
    """Generation of the desktop's secret for ``mode``."""
    issued_at: float
    """Redis time. A matching revocation at or after it refuses the ticket."""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Lease(Document):
    """Presence: one viewer on one instance, as its proxy sees it."""

    connection: str
    instance: str
    username: str
    name: str
    mode: str
    token: str
    proxy: str
    """Which proxy process holds it."""
    since: float
    last_input: float
    """Last key or pointer event (0 if none)."""
    bytes_out: int
    """To the browser."""
    bytes_in: int
    """From the browser."""


class RevocationKind(StrEnum):
    """What was taken away. Each closes the live connections that it matches."""

    INSTANCE = "instance"
    """The instance stops or ended: matches ``instance``."""
    SHARE = "share"
    """Matches ``instance`` and ``username`` where the connection's mode is in ``modes``."""
    CONNECTION = "connection"
    """One connection was put out: matches ``connection``."""
    TOKEN = "token"
    """A person signed out: matches ``token``."""
    PERSON = "person"
    """A person was disabled or all her sign-ins ended: matches ``username``."""


@dataclass(frozen=True, slots=True)
class Revocation(Document):
    """A tombstone: member of the zset ``asci:revocations`` and message on ``asci:revoked``."""

    id: str
    """Unique, so that equal revocations are two members."""
    kind: str
    at: float
    """Redis time; the zset's score."""
    code: int
    """:class:`asci_shared.close_codes.CloseCode` that the live connection is closed with."""
    reason: str
    """A short sentence for the close frame (at most 120 bytes of UTF-8)."""
    instance: str = ""
    username: str = ""
    connection: str = ""
    token: str = ""
    modes: tuple[str, ...] = field(default=("control", "view"))
    generation: int = 0
    """The generation of the instance's control secret from now on; 0 where it did not change. Web applications that
    others still use are shown the secret of this generation."""

    def matches(self, *, connection: str, instance: str, username: str, token: str, mode: str) -> bool:
        """Whether a connection with these facts must be closed."""
        match self.kind:
            case RevocationKind.INSTANCE:
                return instance == self.instance
            case RevocationKind.SHARE:
                return instance == self.instance and username == self.username and mode in self.modes
            case RevocationKind.CONNECTION:
                return connection == self.connection
            case RevocationKind.TOKEN:
                return token == self.token
            case RevocationKind.PERSON:
                return username == self.username
        return False


@dataclass(frozen=True, slots=True)
class Ring(Document):
    """Something changed; pages that may know of it ask again. Carries no content."""

    topic: str
    """``instance``, ``catalogue`` or ``notice``."""
    id: str = ""
    """Instance id for topic ``instance``."""
    revision: int = 0
    """The instance's revision, 0 when only its presence changed."""
    audience: tuple[str, ...] = ()
    """User names that hear it besides admins; empty with another topic than ``instance`` means everybody."""
