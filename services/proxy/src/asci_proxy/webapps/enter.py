"""``POST /.asci/enter``: a one-time password becomes an app session.

The portal's cookie does not come here: it is the portal's host's alone. Whoever holds the connection's id and its
one-time password is who asked the API for it a moment ago, with her sign-in. ``Origin`` must be the portal's, so that
no other site can put a browser into somebody else's session.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from aiohttp import hdrs, web

from asci_proxy import guards, tickets
from asci_proxy.settings import Settings
from asci_proxy.store import StoreAway
from asci_proxy.tickets import Refused
from asci_proxy.webapps.cookies import AppCookie
from asci_proxy.webapps.records import AppRecords
from asci_proxy.webapps.sessions import AWAY, AppSession, AppSessions
from asci_shared import passwords
from asci_shared.close_codes import CloseCode
from asci_shared.logging import get_logger
from asci_shared.problem import Problem
from asci_shared.web.safe_next import safe_next

MOST_FORM_BYTES = 4096
_FORM = "application/x-www-form-urlencoded"
_FORM_SECONDS = 10.0

_log = get_logger(__name__)


class BadForm(Exception):
    """The form cannot be read; holds the problem to answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Form:
    """What the portal's page posts."""

    connection: str
    password: str
    next: str


class Entrance:
    """Checks a form and begins the session."""

    def __init__(
        self,
        settings: Settings,
        records: AppRecords,
        sessions: AppSessions,
        cookie: AppCookie,
        entered: Callable[[AppSession], None],
    ) -> None:
        """``entered`` is told of each session that began."""
        self._entered = entered
        self._key, self._portal = settings.key, settings.public_origin
        self._records, self._sessions, self._cookie = records, sessions, cookie
        self._addresses = guards.RateLimit(settings.address_burst, settings.address_rate, time.monotonic)
        self._people = guards.RateLimit(settings.person_burst, settings.person_rate, time.monotonic)

    async def enter(self, request: web.Request, instance: str, address: str) -> web.Response:
        """The answer that brings the cookie in. Raises BadForm, Refused."""
        if request.method != hdrs.METH_POST:
            raise BadForm(
                Problem(405, "not-a-form", "This address takes a form only.", next_step="Open it from the portal.")
            )
        if guards.is_foreign(request.headers.get(hdrs.ORIGIN), self._portal):
            raise BadForm(
                Problem(
                    403, "foreign-origin", "Another site's page asked.", next_step=f"Open this from {self._portal}."
                )
            )
        if not self._addresses.allows(address):
            raise Refused(CloseCode.TOO_MANY, "address-rate", "Too many tries from your address.")
        form = await _read(request)
        value = secrets.token_urlsafe(32)
        session = await self._begin(form, instance, value)
        self._entered(session)
        _log.info(
            "app.entered",
            connection=session.right.connection,
            person=session.right.username,
            instance=instance,
            address=address,
        )
        fields = {"Location": safe_next(form.next), "Set-Cookie": self._cookie.set(value)}
        return web.Response(
            status=303, headers=fields | {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        )

    async def _begin(self, form: Form, instance: str, value: str) -> AppSession:
        """The password first: without it nothing is asked of Redis, and no ticket is burnt."""
        password = passwords.one_time_password(self._key, form.connection)
        if not hmac.compare_digest(password.encode(), form.password.encode("utf-8", "replace")):
            raise Refused(CloseCode.SIGNED_OUT, "wrong-password", "The one-time password does not fit.")
        try:
            ticket = await self._records.take_ticket(form.connection)
            if ticket is None or ticket.connection != form.connection or ticket.instance != instance:
                raise Refused(CloseCode.TICKET, "ticket-unknown", "This connection was used already, or it ran out.")
            if ticket.kind != "web":
                raise Refused(CloseCode.TICKET, "ticket-kind", "This session has no pages of its own.")
            record = tickets.signed_in(await self._records.standing(ticket.token))
            if not self._people.allows(ticket.username):
                raise Refused(CloseCode.TOO_MANY, "person-rate", "You open too many sessions at once.")
            return await self._sessions.begin(hashlib.sha256(value.encode()).hexdigest(), ticket, record)
        except StoreAway as away:
            _log.warning("store.away", reason=str(away))
            raise Refused(CloseCode.TRY_LATER, "store-away", AWAY) from None


async def _read(request: web.Request) -> Form:
    """The fields of a small form. Raises BadForm."""
    unreadable = Problem(400, "bad-form", "This form cannot be read.", next_step="Open it from the portal.")
    if request.content_type != _FORM or (request.content_length or 0) > MOST_FORM_BYTES:
        raise BadForm(unreadable)
    data = b""
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            while piece := await request.content.read(MOST_FORM_BYTES):
                data += piece
                if len(data) > MOST_FORM_BYTES:
                    raise BadForm(unreadable)
        fields = parse_qs(data.decode("ascii"), strict_parsing=True, max_num_fields=8)
        return Form(fields["connection"][0], fields["password"][0], fields.get("next", [""])[0])
    except (TimeoutError, KeyError, ValueError, web.RequestPayloadError) as error:
        raise BadForm(unreadable) from error
