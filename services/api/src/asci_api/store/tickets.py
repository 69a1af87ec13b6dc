"""Tickets: written here, taken by the proxy with GETDEL."""

from __future__ import annotations

from dataclasses import dataclass, replace

from asci_api.domain.errors import Changed
from asci_api.store import codec, keys
from asci_api.store.redis import Door
from asci_shared.redis_contract import TICKET_SECONDS, Ticket, ticket_key


@dataclass(frozen=True, slots=True)
class RedisTickets:
    """Satisfies ``Tickets``."""

    door: Door

    def issue(self, ticket: Ticket, revision: int | None = None) -> Ticket:
        fields = codec.plain(ticket)
        del fields["issued_at"]
        issued_at: bytes | None = self.door.run(
            "ticket_issue",
            [ticket_key(ticket.connection), keys.VERSIONS],
            [codec.dump(fields), TICKET_SECONDS, ticket.instance, "" if revision is None else revision],
        )
        if issued_at is None:
            raise Changed("The session changed meanwhile.")
        return replace(ticket, issued_at=float(issued_at))
