"""Cookies on their way through the proxy: ours stay here, the application's stay on its own host. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_VALUE = re.compile(r"[A-Za-z0-9_-]{20,128}")
_MOST_OURS = 4
_OURS = frozenset({"asci-app", "__host-asci-app", "asci", "__host-asci", "asci-visitor", "__host-asci-visitor"})
"""The proxy's and the portal's names, in lower case: no application sees or sets one."""
_DELETE = "{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}"


class AppCookie:
    """The proxy's own cookie on an application's host: host-only, for the length of the browser's session."""

    def __init__(self, origin: str) -> None:
        self._secure = origin.startswith("https:")
        self.name = "__Host-asci-app" if self._secure else "asci-app"

    def set(self, value: str) -> str:
        """The ``Set-Cookie`` that brings it in."""
        return f"{self.name}={value}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if self._secure else ''}"

    def drop(self) -> str:
        """The ``Set-Cookie`` that takes it away."""
        return _DELETE.format(name=self.name, secure="; Secure" if self._secure else "")

    def hashes(self, lines: Iterable[str]) -> list[str]:
        """SHA-256 (hex) of what may be our cookie's values in ``Cookie`` lines: script of the page may have set
        further ones of that name, so there may be several; the first few are believed to be all."""
        values = [value for name, value in _pairs(lines) if name == self.name and _VALUE.fullmatch(value)]
        return [hashlib.sha256(value.encode()).hexdigest() for value in dict.fromkeys(values)][:_MOST_OURS]


def for_app(lines: Iterable[str]) -> str:
    """One ``Cookie`` line without ours and the portal's, else byte for byte; empty when nothing is left."""
    parts = (part.strip(" \t") for line in lines for part in line.split(";"))
    return "; ".join(part for part in parts if part and _name(part).lower() not in _OURS)


def from_app(line: str) -> str | None:
    """An application's ``Set-Cookie`` line without ``Domain``; None where it names a cookie of ours."""
    first, *attributes = line.split(";")
    if _name(first).lower() in _OURS:
        return None
    return ";".join([first, *(one for one in attributes if _name(one).lower() != "domain")])


def _pairs(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        for part in line.split(";"):
            yield _name(part), part.partition("=")[2].strip()


def _name(part: str) -> str:
    return part.partition("=")[0].strip()
