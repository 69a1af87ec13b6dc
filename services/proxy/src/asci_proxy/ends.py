"""How a link ends, and who is told."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

GONE = 1006
"""The peer left without a close frame (RFC 6455, section 7.4.1)."""


class By(StrEnum):
    """Who ended a link."""

    BROWSER = "browser"
    PROXY = "proxy"


class Trouble(StrEnum):
    """Why a link cannot go on. Its owner then calls :meth:`Link.close` with the code and words that it finds right."""

    DESKTOP_ENDED = "the desktop closed the connection"
    DESKTOP_STUCK = "the desktop took no byte for 35 s"
    BROWSER_STUCK = "the browser took no byte for 60 s"
    BROWSER_SILENT = "the browser did not answer for 40 s"


@dataclass(frozen=True, slots=True)
class End:
    """How a link ended, and what is left of it for the owner to close politely."""

    by: By
    code: int
    """The close code that was sent or received; 1006 when the browser was simply gone."""
    reason: str
    browser: socket.socket
    desktop: socket.socket | None
    """Still open when it was the browser that left: its last bytes may be under way."""
    rest: bytes
    """What the desktop must still get."""


class Owner(Protocol):
    """Who started the link and decides about its end."""

    def link_troubled(self, trouble: Trouble) -> None:
        """It cannot go on; what is stuck for the browser still goes out meanwhile."""

    def link_answered(self, seconds: float) -> None:
        """The browser answered a ping after so long."""

    def link_ended(self, end: End) -> None:
        """All is over; called once."""
