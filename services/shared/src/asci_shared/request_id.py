"""One request id from the page to every log line.

The edge makes it (32 hex digits); services pass it on in ``X-Request-Id``; loops make their own.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

HEADER = "X-Request-Id"

_current: ContextVar[str] = ContextVar("asci_request_id", default="")
_WELL_FORMED = re.compile(r"[0-9a-zA-Z-]{8,64}")


def new() -> str:
    """A fresh request id: 32 lowercase hex digits."""
    return secrets.token_hex(16)


def accept(candidate: str | None) -> str:
    """The candidate where it is well formed (8 to 64 letters, digits, dashes), else a new one."""
    return candidate if candidate and _WELL_FORMED.fullmatch(candidate) else new()


def current() -> str:
    """The id of the request in this context, or the empty string outside of one."""
    return _current.get()


def bind(request_id: str) -> None:
    """Make ``request_id`` the id of this context (thread or task)."""
    _current.set(request_id)
