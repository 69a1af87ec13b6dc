"""One viewer on one instance, from the taken ticket to the end."""

from __future__ import annotations

import asyncio
from typing import Protocol

from asci_proxy.ends import End, Trouble
from asci_proxy.live import Facts
from asci_proxy.relay import STUCK_SECONDS, Link
from asci_shared import redis_contract as contract
from asci_shared.close_codes import CloseCode

END_GRACE_SECONDS = 1.0
"""How long after the desktop's last byte the word that the instance ended may still come."""


class Keeper(Protocol):
    """Who is told what becomes of connections."""

    def connection_answered(self, connection: Connection, seconds: float) -> None:
        """A ping came back."""

    def connection_ended(self, connection: Connection, end: End) -> None:
        """Its link is over."""


class Connection:
    """Facts and state of a connection; owner of its link."""

    __slots__ = (
        "_keeper",
        "_timer",
        "expires_at",
        "facts",
        "idle_seconds",
        "link",
        "renewed_at",
        "since",
        "task",
        "ticket",
        "verdict",
    )

    def __init__(self, ticket: contract.Ticket, record: contract.TokenRecord, since: float, keeper: Keeper) -> None:
        self.ticket = ticket
        self.facts = Facts.of(ticket)
        self.idle_seconds, self.expires_at = record.idle_seconds, record.expires_at
        self.since = since
        """Redis time at which it was admitted."""
        self.renewed_at = 0.0
        """Last input for which the sign-in token was renewed."""
        self.link: Link | None = None
        self.task: asyncio.Task[object] | None = None
        """The handshake, while it runs."""
        self.verdict: tuple[int, str] | None = None
        """Code and reason of the revocation that hit it before it had a link."""
        self._keeper = keeper
        self._timer: asyncio.TimerHandle | None = None

    def revoke(self, code: int, reason: str) -> None:
        """End it at once, whatever its state."""
        if self.link is not None:
            self.link.close(code, reason)
        elif self.verdict is None:
            self.verdict = (code, reason)
            if self.task is not None:
                self.task.cancel()

    def lease(self, proxy: str) -> contract.Lease:
        """Its presence as of now."""
        ticket, link = self.ticket, self.link
        return contract.Lease(
            connection=ticket.connection,
            instance=ticket.instance,
            username=ticket.username,
            name=ticket.name,
            mode=ticket.mode,
            token=ticket.token,
            proxy=proxy,
            since=self.since,
            last_input=link.last_input if link else 0.0,
            bytes_out=link.bytes_down if link else 0,
            bytes_in=link.bytes_up if link else 0,
        )

    def link_troubled(self, trouble: Trouble) -> None:
        """Choose the code; where the desktop ended, wait a moment for the word that the whole instance did."""
        if self.link is None:
            return
        match trouble:
            case Trouble.DESKTOP_ENDED:
                loop = asyncio.get_running_loop()
                words = upstream_reason("vnc", "The desktop closed the connection.")
                self._timer = loop.call_later(END_GRACE_SECONDS, self._close_after_desktop, words)
            case Trouble.DESKTOP_STUCK:
                self.link.close(CloseCode.UPSTREAM, upstream_reason("vnc", "The desktop takes no input any more."))
            case Trouble.BROWSER_STUCK | Trouble.BROWSER_SILENT:
                self.link.close(CloseCode.TOO_SLOW, f"{trouble[0].upper()}{trouble[1:]}.")

    def _close_after_desktop(self, words: str) -> None:
        if self.link is not None:
            self.link.close(CloseCode.UPSTREAM, words, patience=STUCK_SECONDS)

    def link_answered(self, seconds: float) -> None:
        """Pass it on."""
        self._keeper.connection_answered(self, seconds)

    def link_ended(self, end: End) -> None:
        """Pass it on."""
        if self._timer is not None:
            self._timer.cancel()
        self._keeper.connection_ended(self, end)


def upstream_reason(hop: str, sentence: str) -> str:
    """The reason of a close with 4502: the hop that failed, a colon, and a sentence."""
    return f"{hop}: {sentence}"
