"""Composition of the web applications' side, and the way of a request through it."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from multidict import CIMultiDict

from asci_proxy import guards, handover
from asci_proxy.background import Background
from asci_proxy.live import LiveTable
from asci_proxy.metrics import Metrics
from asci_proxy.settings import Settings
from asci_proxy.signins import ENDED
from asci_proxy.sockets import Farewells
from asci_proxy.store import Store, StoreAway
from asci_proxy.tickets import Refused
from asci_proxy.watching import Watcher
from asci_proxy.webapps import exchange, headers, isolation
from asci_proxy.webapps.cookies import AppCookie
from asci_proxy.webapps.cuttable import Cuttable, Failed
from asci_proxy.webapps.enter import BadForm, Entrance
from asci_proxy.webapps.exchange import Upstreams
from asci_proxy.webapps.hosts import Hosts
from asci_proxy.webapps.pages import Pages
from asci_proxy.webapps.presence import AppPresence
from asci_proxy.webapps.records import AppRecords, Ended
from asci_proxy.webapps.secret import Secrets
from asci_proxy.webapps.sessions import KEPT_SECONDS, NO_RIGHT, AppSession, AppSessions
from asci_proxy.webapps.upgrade import AppSockets
from asci_proxy.webapps.watch import AppWatch
from asci_shared import request_id
from asci_shared.apps import ENTER_PATH
from asci_shared.close_codes import CloseCode
from asci_shared.logging import get_logger
from asci_shared.problem import Problem

OUR_PATHS = ENTER_PATH.rsplit("/", 1)[0] + "/"
"""Never passed to an application."""
_TARGET = re.compile(r"/[\x21\x22\x24-\x7e]*")
"""A request target as it may be passed on: a path and a query (RFC 9112, section 3.2.1)."""

_log = get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebApps:
    """Everything behind the applications' hosts."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        live: LiveTable,
        metrics: Metrics,
        background: Background,
        watcher: Watcher,
        farewells: Farewells,
    ) -> None:
        self._settings, self._metrics, self._background = settings, metrics, background
        self._origins, self._hosts = settings.apps, Hosts(settings.public_origin, settings.apps)
        self._cookie, self._pages = AppCookie(settings.public_origin), Pages(settings.public_origin)
        self._records = AppRecords(store)
        self._sessions = AppSessions(self._records, live, self)
        self._entrance = Entrance(settings, self._records, self._sessions, self._cookie, self._entered)
        self._misses = guards.RateLimit(settings.address_burst, settings.address_rate, time.monotonic)
        secrets, waits = Secrets(settings.key, store), (settings.dial_seconds, settings.app_head_seconds)
        self._upstreams = Upstreams(metrics, secrets, *waits)
        self._sockets = AppSockets(metrics, secrets, watcher, farewells, *waits)
        self.presence = AppPresence(self._records, self._sessions, settings.name)
        self.watch = AppWatch(self._records, self._sessions, background)

    def __len__(self) -> int:
        """How many requests and WebSockets are under way."""
        return sum(len(session.exchanges) for session in self._sessions)

    def install(self, app: web.Application) -> None:
        """Put the applications' hosts before all routes of ``app``."""
        app.middlewares.append(self._by_host)
        app.on_response_prepare.append(exchange.as_given)
        app.router.add_route("*", "/{path:.*}", _nothing_here, expect_handler=_expected)
        self._upstreams.open()

    async def close(self) -> None:
        """Say the last things about presence, and close all connections to applications."""
        try:
            await self.presence.write()
        except StoreAway as away:
            _log.warning("presence.unwritten", reason=str(away))
        await self._upstreams.close()

    async def tick(self) -> None:
        """Call it every second: look after what is open, let go what is not used."""
        for session in self._sessions:
            for one in list(session.exchanges):
                one.look()
            if session.expired:
                session.revoke(CloseCode.SIGNED_OUT, ENDED)
            elif not session.in_use(KEPT_SECONDS) and session.last_input <= session.renewed_at:
                self._sessions.forget(session)
        self._metrics.app_sessions.set(len(self._sessions))
        self._metrics.app_exchanges.set(len(self))

    def session_ended(self, session: AppSession, code: int, reason: str) -> None:
        """Forget it here and, unless only this proxy ends, everywhere."""
        self._sessions.forget(session)
        right = session.right
        _log.info(
            "app.ended",
            connection=right.connection,
            person=right.username,
            instance=right.instance,
            requests=session.requests,
            bytes_down=session.bytes_down,
            bytes_up=session.bytes_up,
            code=int(code),
            reason=reason,
        )
        if code != CloseCode.RESTARTING:
            self.presence.ended(session)
            self._background.spawn(self._end_record(session, Ended(int(code), reason)))

    def _entered(self, session: AppSession) -> None:
        self._background.spawn(self._write_entry(session))

    async def _write_entry(self, session: AppSession) -> None:
        try:
            await self.presence.write_entry(session)
        except StoreAway as away:  # the next beat does it
            _log.warning("presence.unwritten", reason=str(away))

    async def _end_record(self, session: AppSession, ended: Ended) -> None:
        try:
            await self._records.end(session.cookie_hash, session.right.instance, ended)
            await self.presence.write_ends()
        except StoreAway as away:
            _log.warning("app.end_unwritten", connection=session.right.connection, reason=str(away))

    @web.middleware
    async def _by_host(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = request.headers.getall(hdrs.HOST, [])
        if not any(self._hosts.is_app(host) for host in hosts):
            return await handler(request)
        return await self._handle(request, self._hosts.instance(hosts[0]) if len(hosts) == 1 else "")

    async def _handle(self, request: web.Request, instance: str) -> web.StreamResponse:
        """Every request on an application's host, and every way in which it is refused."""
        request_id.bind(request_id.accept(request.headers.get(request_id.HEADER)))
        address = guards.client_address(request.remote, request.headers.get(hdrs.X_FORWARDED_FOR))
        try:
            return await self._serve(request, instance, address)
        except Refused as refused:
            problem = self._pages.refusal(refused)
        except (Failed, BadForm) as failed:
            problem = failed.problem
        self._metrics.refused(problem.slug)
        _log.info(
            "app.refused", reason=problem.slug, status=problem.status, detail=problem.detail, address=address,
            instance=instance,
        )  # fmt: skip
        return self._pages.answer(request, problem, instance, self._dropping(request, problem))

    async def _serve(self, request: web.Request, instance: str, address: str) -> web.StreamResponse:
        own_origin = self._origins.of(instance)
        self._check(request, instance, own_origin)
        if request.path == ENTER_PATH:
            await _continue(request)
            return await self._entrance.enter(request, instance, address)
        if request.raw_path.startswith(OUR_PATHS):
            raise Failed(Problem(404, "not-found", "There is nothing here.", next_step="Open it from the portal."))
        session = await self._session(request, instance, address)
        fields = headers.request_up(request.headers, self._said(request, address))
        return await self._pass_on(request, session, fields)

    def _check(self, request: web.Request, instance: str, own_origin: str) -> None:
        """What needs no right to be answered. Raises Failed."""
        if not instance:
            raise Failed(
                Problem(421, "wrong-host", "No session has this address.", next_step="Open it from the portal.")
            )
        if not _TARGET.fullmatch(request.raw_path):
            raise Failed(Problem(400, "bad-target", "The address cannot be passed on."))
        foreign = isolation.is_foreign(request.method, request.headers, own_origin)
        if headers.is_upgrade(request.headers):
            foreign = guards.is_foreign(request.headers.get(hdrs.ORIGIN), own_origin)
        if foreign and request.path != ENTER_PATH:
            raise Failed(Problem(403, "foreign-origin", "Another site's page asked.", next_step=f"Open {own_origin}."))

    async def _session(self, request: web.Request, instance: str, address: str) -> AppSession:
        """Whose request it is. Raises Refused."""
        hashes = self._cookie.hashes(request.headers.getall(hdrs.COOKIE, []))
        if not hashes:
            raise Refused(CloseCode.SIGNED_OUT, "app-no-right", NO_RIGHT)
        session = self._sessions.at_hand(hashes, instance)
        if session is None:
            if not self._misses.allows(address):
                raise Refused(CloseCode.TOO_MANY, "address-rate", "Too many requests from your address.")
            session = await self._sessions.find(hashes, instance)
        if len(session.exchanges) >= self._settings.app_exchanges:
            raise Refused(CloseCode.TOO_MANY, "app-exchanges", "Too many requests of yours are under way.")
        return session

    async def _pass_on(self, request: web.Request, session: AppSession, fields: CIMultiDict[str]) -> web.StreamResponse:
        exchange = Cuttable(request)
        session.begin(exchange, by_person=not headers.is_background(request.method, request.headers))
        try:
            if headers.is_upgrade(request.headers):
                _check_upgrade(request)
                return await self._sockets.open(request, session, fields, exchange)
            await _continue(request)
            return await exchange.run(self._upstreams.relay(request, session, fields, exchange))
        finally:
            session.over(exchange)

    def _said(self, request: web.Request, address: str) -> dict[str, str]:
        """What ASCI itself tells the application of a request, but for the secret."""
        host = request.headers[hdrs.HOST]
        return {
            hdrs.HOST: host,
            hdrs.X_FORWARDED_FOR: address,
            hdrs.X_FORWARDED_HOST: host,
            hdrs.X_FORWARDED_PROTO: self._origins.scheme,
            request_id.HEADER: request_id.current(),
        }

    def _dropping(self, request: web.Request, problem: Problem) -> dict[str, str]:
        """A cookie whose right is over is taken back, but only where this is certain."""
        certain = problem.slug in {"app-no-right", "revoked", "signed-out"} and problem.status in {401, 403, 410}
        held = self._cookie.hashes(request.headers.getall(hdrs.COOKIE, []))
        return {hdrs.SET_COOKIE: self._cookie.drop()} if certain and held else {}


async def _nothing_here(_request: web.Request) -> web.StreamResponse:
    """On the portal's host, for paths that nobody serves."""
    raise web.HTTPNotFound


async def _expected(_request: web.Request) -> None:
    """``Expect: 100-continue`` is answered once the right was checked."""


async def _continue(request: web.Request) -> None:
    """RFC 9110, section 10.1.1."""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def _check_upgrade(request: web.Request) -> None:
    """Raises Failed for what is no proper opening handshake."""
    try:
        if request.method != hdrs.METH_GET or request.body_exists:
            raise handover.NotAWebSocket("ask with GET and no body")
        handover.accept_key(request)
    except handover.NotAWebSocket as error:
        raise Failed(Problem(400, "not-a-websocket", "This is no WebSocket handshake.", detail=f"{error}.")) from None
