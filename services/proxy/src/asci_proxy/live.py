"""The live table: everything that a revocation can close, from before its right is checked until its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from asci_shared.redis_contract import Revocation, Ticket


@dataclass(frozen=True, slots=True)
class Facts:
    """Who holds what, since when: all that a revocation may ask for."""

    token: str
    username: str
    issued_at: float
    """Redis time at which the right was given; older revocations do not concern it."""
    connection: str = ""
    instance: str = ""
    mode: str = ""

    @classmethod
    def of(cls, ticket: Ticket) -> Facts:
        """The facts of a connection."""
        return cls(
            token=ticket.token,
            username=ticket.username,
            issued_at=ticket.issued_at,
            connection=ticket.connection,
            instance=ticket.instance,
            mode=ticket.mode,
        )

    def hit_by(self, revocation: Revocation) -> bool:
        """Whether this right was taken away by ``revocation``."""
        return revocation.at >= self.issued_at and revocation.matches(
            connection=self.connection,
            instance=self.instance,
            username=self.username,
            token=self.token,
            mode=self.mode,
        )


class Held(Protocol):
    """A right in use."""

    @property
    def facts(self) -> Facts:
        """Whose, and on what."""

    def revoke(self, code: int, reason: str) -> None:
        """End it at once. May be called several times."""


class LiveTable:
    """What this proxy holds right now."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}

    def add(self, held: Held) -> None:
        """From now on revocations reach it."""
        self._held[id(held)] = held

    def discard(self, held: Held) -> None:
        """It is over. Repeating is harmless."""
        self._held.pop(id(held), None)

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        """A snapshot, so that the table may change meanwhile."""
        return iter(list(self._held.values()))

    def apply(self, revocation: Revocation) -> int:
        """Close what it hits; returns how many."""
        hit = [held for held in self if held.facts.hit_by(revocation)]
        for held in hit:
            held.revoke(revocation.code, revocation.reason)
        return len(hit)
