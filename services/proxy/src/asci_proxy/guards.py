"""What is asked of every upgrade before anything else: the right origin, a cookie, a known address, not too often.

Pure: the clock is handed in.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Mapping


def cookie_name(public_origin: str) -> str:
    """The sign-in cookie's name: with the ``__Host-`` prefix wherever TLS makes that possible."""
    return "__Host-asci" if public_origin.startswith("https:") else "asci"


def token_hash(cookies: Mapping[str, str], name: str) -> str | None:
    """SHA-256 in hex of the sign-in token that the cookie holds, or None without one."""
    token = cookies.get(name, "")
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest() if token else None


def is_foreign(origin: str | None, public_origin: str) -> bool:
    """Whether another site's page asks. A client that names no origin is no browser, and foreign as well."""
    return origin is None or origin.lower() != public_origin


def client_address(peer: str | None, forwarded_for: str | None) -> str:
    """Where the request comes from, for limits.

    The edge overwrites X-Forwarded-For; it is believed only from a private peer, and only its last word.
    """
    peer = peer or "unknown"
    if forwarded_for is None or not _is_private(peer):
        return peer
    last = forwarded_for.rsplit(",", 1)[-1].strip()
    return last if _is_address(last) else peer


def _is_private(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_private
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class RateLimit:
    """At most ``burst`` at once and ``per_second`` on average for each name. A burst of 0 means no limit."""

    _SWEEP_AT = 10_000

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float]) -> None:
        self._burst, self._per_second, self._clock = burst, per_second, clock
        self._level: dict[str, tuple[float, float]] = {}

    def allows(self, name: str) -> bool:
        """Whether ``name`` may come in now; if so, it is counted."""
        if self._burst == 0:
            return True
        now = self._clock()
        used = self._used(name, now)
        if used + 1 > self._burst:
            return False
        self._level[name] = (used + 1, now)
        if len(self._level) > self._SWEEP_AT:
            self._level = {other: level for other, level in self._level.items() if self._used(other, now) > 0}
        return True

    def _used(self, name: str, now: float) -> float:
        used, since = self._level.get(name, (0.0, now))
        return max(0.0, used - max(0.0, now - since) * self._per_second)
