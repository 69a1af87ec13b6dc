"""Names of things and people."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import NewType

InstanceId = NewType("InstanceId", str)
"""A lowercase DNS label, 10 characters, first a letter."""
ConnectionId = NewType("ConnectionId", str)
"""22 characters of URL-safe base64: 128 random bits."""
Username = NewType("Username", str)
"""Matches :data:`USERNAME`."""
NodeName = NewType("NodeName", str)

USERNAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
INSTANCE_ID = re.compile(r"[a-z][a-z0-9]{9}")
LEAST_ID = 1000
"""The smallest uid or gid that may own a desktop."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz"
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"

ADMIN = "admin"
USER = "user"


def new_instance_id() -> InstanceId:
    """A fresh random id without letters that are mistaken for digits (about 49 bits)."""
    rest = "".join(secrets.choice(_SIGNS) for _ in range(9))
    return InstanceId(secrets.choice(_LETTERS) + rest)


def new_connection_id() -> ConnectionId:
    """A fresh random connection id."""
    return ConnectionId(secrets.token_urlsafe(16))


@dataclass(frozen=True, slots=True)
class Group:
    """A Unix group that a person belongs to."""

    name: str
    gid: int


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a person may have at once; None: as much as there is."""

    sessions: int | None
    gpus: int | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in. ``uid`` and ``gid`` own her files."""

    username: Username
    name: str
    uid: int
    gid: int
    email: str = ""
    groups: tuple[Group, ...] = ()
    """Supplementary groups; also what environments' ``allow`` lists name."""
    roles: tuple[str, ...] = (USER,)
    disabled: bool = False
    signed_out_at: float = 0.0
    """Sign-ins that began earlier (Unix time) are over: her password was set by the operator then."""

    @property
    def is_admin(self) -> bool:
        return ADMIN in self.roles


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the person, the sign-in behind the request, and from where."""

    person: Person
    token: str
    """SHA-256 (hex) of the sign-in token."""
    address: str
    request_id: str
