"""WebSocket close codes of ``/connect/…`` (RFC 6455, section 7.4; 4000-4999 are ours) and what a page does at each."""

from __future__ import annotations

from enum import IntEnum


class CloseCode(IntEnum):
    """Why the proxy closed. The page reconnects by itself after those marked *again*."""

    RESTARTING = 1012
    """The proxy or a part behind it restarts: again, at once."""
    TRY_LATER = 1013
    """The ticket store is away or being restored: again, with back-off."""
    TICKET = 4400
    """The ticket was used, ran out or does not fit: again, with a new ticket."""
    SIGNED_OUT = 4401
    """The person signed out, or her sign-in ended: to the sign-in page."""
    REVOKED = 4403
    """Her share was taken away or lowered: tell her; with a share left, again."""
    ENDED = 4404
    """The instance ended: show its end."""
    TOO_SLOW = 4408
    """The browser did not take bytes or answer in time: again."""
    PUT_OUT = 4409
    """The owner or an admin put this connection out: tell her, do not come back unasked."""
    TOO_MANY = 4429
    """Too many connections of this person or address: again, with back-off."""
    UPSTREAM = 4502
    """The desktop could not be reached or refused the proxy; the reason names the hop: again, with back-off."""
