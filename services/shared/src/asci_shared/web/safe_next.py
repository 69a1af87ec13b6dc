"""Where a page may lead after signing in: a path of this portal, never another site."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")


def safe_next(candidate: str | None, default: str = "/") -> str:
    """The candidate where it is a plain path of the same origin, else ``default``.

    Browsers drop tabs and newlines, and read ``\\`` as ``/`` and ``//host`` as another site: all of these are refused.
    """
    if not candidate or not candidate.startswith("/") or candidate.startswith("//") or _CONTROL.search(candidate):
        return default
    parts = urlsplit(candidate)
    if parts.scheme or parts.netloc or parts.path.startswith(("/sign-in", "/sign-out")):
        return default
    return candidate
