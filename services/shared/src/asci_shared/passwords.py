"""Secrets that are derived and never stored (design, section 2).

api, controller and proxy share one key file. RFB's VncAuth takes at most 8 characters (RFC 6143, section 7.2.2), so
each secret is an HMAC-SHA-256 cut to 8 characters of URL-safe base64 (48 bits).
"""

from __future__ import annotations

import base64
import hashlib
import hmac

LENGTH = 8
UPSTREAM_HEADER = "X-ASCI-Upstream"
"""The request header that carries :func:`upstream_secret`."""
UPSTREAM_DIGITS = 64
"""Length of :func:`upstream_proof`."""


def one_time_password(key: bytes, connection_id: str) -> str:
    """The password of one connection: the browser answers the proxy's challenge with it, once."""
    return _derive(key, "connection", connection_id)


def desktop_secret(key: bytes, instance_id: str, mode: str, generation: int) -> str:
    """The VNC password of an instance for ``mode`` (``control`` or ``view``) in its ``generation``."""
    return _derive(key, "desktop", instance_id, mode, str(generation))


def upstream_secret(key: bytes, instance_id: str, generation: int) -> str:
    """The secret that the proxy shows to a web or service instance: 43 characters of URL-safe base64."""
    return _digest(key, "upstream", instance_id, str(generation)).rstrip("=")


def upstream_proof(secret: str) -> str:
    """What an instance keeps to recognize an upstream secret, and cannot be turned back into it: SHA-256 in hex."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _derive(key: bytes, *words: str) -> str:
    return _digest(key, *words)[:LENGTH]


def _digest(key: bytes, *words: str) -> str:
    mac = hmac.digest(key, "\x00".join(words).encode(), "sha256")
    return base64.urlsafe_b64encode(mac).decode("ascii")
