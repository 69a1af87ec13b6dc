"""Whether a connection may be opened: the judgement over what Redis answered. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from asci_proxy.store import Standing
from asci_shared import redis_contract as contract
from asci_shared.close_codes import CloseCode


class Refused(Exception):
    """The connection is refused with a close code, a slug for logs and metrics, and a sentence for the person."""

    def __init__(self, code: int, slug: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.slug, self.sentence = code, slug, sentence


@dataclass(frozen=True, slots=True)
class Admission:
    """A taken ticket and the person who may use it."""

    ticket: contract.Ticket
    record: contract.TokenRecord


def signed_in(standing: Standing) -> contract.TokenRecord:
    """The record of a token that stands. Raises Refused; a missing sentinel is never taken for a sign-out."""
    if not standing.restored:
        raise Refused(CloseCode.TRY_LATER, "restoring", "ASCI is restoring its memory; your sessions keep running.")
    if standing.record is None or standing.record.expires_at <= standing.now:
        raise Refused(CloseCode.SIGNED_OUT, "signed-out", "Your sign-in has ended.")
    return standing.record


def admit(connection: str, token: str, ticket: contract.Ticket | None, standing: Standing) -> Admission:
    """Judge a ticket that was taken under the cookie's ``token`` hash. Raises Refused."""
    record = signed_in(standing)
    if ticket is None or ticket.connection != connection:
        raise Refused(CloseCode.TICKET, "ticket-unknown", "This connection was used already, or it ran out.")
    if ticket.token != token:
        raise Refused(CloseCode.SIGNED_OUT, "foreign-token", "This connection belongs to another sign-in.")
    if ticket.kind != "desktop":
        raise Refused(CloseCode.TICKET, "ticket-kind", "This session has no screen.")
    return Admission(ticket, record)
