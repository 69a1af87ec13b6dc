"""What every WebSocket of the public door passes first, whatever it is for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import hdrs, web

from asci_proxy import guards, handover
from asci_proxy.metrics import Metrics
from asci_proxy.settings import Settings
from asci_proxy.sockets import Farewells
from asci_proxy.tickets import Refused
from asci_shared import request_id
from asci_shared.close_codes import CloseCode
from asci_shared.logging import get_logger
from asci_shared.problem import CONTENT_TYPE, Problem

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A WebSocket opening handshake that may be answered."""

    request: web.Request
    accept: str
    address: str


class Gate:
    """Origin, form of the handshake, draining, rate, cookie."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        farewells: Farewells,
        clock: Callable[[], float],
        draining: Callable[[], bool],
    ) -> None:
        self._origin = settings.public_origin
        self._cookie = guards.cookie_name(settings.public_origin)
        self._rate = guards.RateLimit(settings.address_burst, settings.address_rate, clock)
        self._metrics, self._farewells, self._draining = metrics, farewells, draining

    def open(self, request: web.Request) -> Upgrade:
        """Bind the request id and check what is answered in HTTP: 403 for a foreign origin, 400 for no WebSocket."""
        request_id.bind(request_id.accept(request.headers.get(request_id.HEADER)))
        address = guards.client_address(request.remote, request.headers.get(hdrs.X_FORWARDED_FOR))
        if guards.is_foreign(request.headers.get(hdrs.ORIGIN), self._origin):
            raise self._problem(
                Problem(403, "foreign-origin", "Another site's page asked.", next_step=f"Open {self._origin}."), address
            )
        try:
            return Upgrade(request, handover.accept_key(request), address)
        except handover.NotAWebSocket as error:
            raise self._problem(
                Problem(400, "not-a-websocket", "This address speaks WebSocket only.", detail=f"{error}."), address
            ) from None

    def token(self, upgrade: Upgrade) -> str:
        """The cookie's token hash. Raises Refused when draining, too often, or without a cookie."""
        if self._draining():
            raise Refused(CloseCode.RESTARTING, "draining", "This proxy restarts; another one answers.")
        if not self._rate.allows(upgrade.address):
            raise Refused(CloseCode.TOO_MANY, "address-rate", "Too many connections from your address; wait a little.")
        token = guards.token_hash(upgrade.request.cookies, self._cookie)
        if token is None:
            raise Refused(CloseCode.SIGNED_OUT, "no-cookie", "You are not signed in.")
        return token

    def turn_away(self, upgrade: Upgrade, refused: Refused, **facts: object) -> web.StreamResponse:
        """Close with the code, count and log it."""
        self._metrics.refused(refused.slug)
        _log.info("connection.refused", reason=refused.slug, code=int(refused.code), address=upgrade.address, **facts)
        return handover.turn_away(upgrade.request, self._farewells, upgrade.accept, refused.code, refused.sentence)

    def _problem(self, problem: Problem, address: str) -> web.HTTPException:
        self._metrics.refused(problem.slug)
        _log.info("connection.refused", reason=problem.slug, address=address)
        error = web.HTTPForbidden if problem.status == 403 else web.HTTPBadRequest
        body = json.dumps(problem.document(request_id.current()))
        return error(text=body, content_type=CONTENT_TYPE)
