"""``GET /connect/{connection}``: one viewer from the upgrade to the end of her connection."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextvars import copy_context

from aiohttp import web

from asci_proxy import frames, guards, handover, rfb, sockets, tickets
from asci_proxy.background import Background
from asci_proxy.channels import BrokenFrames, FrameChannel, straight
from asci_proxy.connection import Connection
from asci_proxy.desktops import Desktops, Unreachable
from asci_proxy.ends import GONE, By, End
from asci_proxy.live import LiveTable
from asci_proxy.metrics import Metrics
from asci_proxy.presence import Presence
from asci_proxy.relay import Link
from asci_proxy.settings import Settings
from asci_proxy.store import Store, StoreAway
from asci_proxy.tickets import Refused
from asci_proxy.upgrades import Gate, Upgrade
from asci_proxy.watching import Watcher
from asci_shared import passwords, request_id
from asci_shared.close_codes import CloseCode
from asci_shared.logging import get_logger

INPUTS = frozenset({4, 5, 6, 255})
"""KeyEvent, PointerEvent, ClientCutText, and the QEMU extension that noVNC's keys use (RFC 6143, section 7.5)."""

_FIRST_OWN_CODE = 3000
"""From here on a close code means what its sender says it means (RFC 6455, section 7.4.2)."""

_log = get_logger(__name__)


class Viewers:
    """Opens connections, and keeps them until they end."""

    def __init__(
        self,
        settings: Settings,
        gate: Gate,
        store: Store,
        desktops: Desktops,
        live: LiveTable,
        metrics: Metrics,
        background: Background,
        watcher: Watcher,
        farewells: sockets.Farewells,
    ) -> None:
        self._settings, self._gate, self._store, self._desktops = settings, gate, store, desktops
        self._live, self._metrics, self._background = live, metrics, background
        self._watcher, self._farewells = watcher, farewells
        self._rate = guards.RateLimit(settings.person_burst, settings.person_rate, time.monotonic)
        self._open: set[Connection] = set()
        self._people: Counter[str] = Counter()
        self.presence = Presence(
            store, settings.name, settings.beat_seconds, self.relayed, metrics.presence_lag.observe
        )

    def __iter__(self) -> Iterator[Connection]:
        """Every connection, handshaking ones included."""
        return iter(list(self._open))

    def __len__(self) -> int:
        return len(self._open)

    def relayed(self) -> list[Connection]:
        """The connections whose bytes flow."""
        return [connection for connection in self._open if connection.link is not None]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The route."""
        upgrade = self._gate.open(request)
        name = request.match_info["connection"]
        try:
            connection = await self._admit(name, self._gate.token(upgrade))
        except Refused as refused:
            return self._gate.turn_away(upgrade, refused, connection=name)
        browser = handover.switch_protocols(request, upgrade.accept)
        if browser is None:
            self._over(connection, By.BROWSER, GONE, "the browser left before the upgrade")
            return handover.HandedOver()
        self._background.spawn(self._serve(connection, browser, upgrade))
        return handover.HandedOver()

    async def _admit(self, name: str, token: str) -> Connection:
        """Take the ticket and register, then look for revocations since the ticket: none can fall in between."""
        try:
            ticket, standing = await self._store.take_ticket(name, token)
            admission = tickets.admit(name, token, ticket, standing)
            connection = Connection(admission.ticket, admission.record, standing.now, self)
            self._check_person(connection)
            self._remember(connection)
            try:
                revocations = await self._store.revocations(admission.ticket.issued_at)
                hit = next((one for one in revocations if connection.facts.hit_by(one)), None)
                if hit is not None:
                    connection.revoke(hit.code, hit.reason)
                if connection.verdict is not None:
                    raise _revoked(connection.verdict)
            except BaseException:
                self._forget(connection)
                raise
        except StoreAway as away:
            _log.warning("store.away", reason=str(away))
            raise Refused(CloseCode.TRY_LATER, "store-away", "ASCI cannot check your right just now.") from None
        return connection

    def _check_person(self, connection: Connection) -> None:
        person = connection.ticket.username
        if self._people[person] >= self._settings.person_connections or not self._rate.allows(person):
            raise Refused(
                CloseCode.TOO_MANY, "person-rate", "You have too many connections; close some or wait a little."
            )

    async def _serve(self, connection: Connection, browser: socket.socket, upgrade: Upgrade) -> None:
        """Both handshakes; then the link has it."""
        connection.task = asyncio.current_task()
        started = time.monotonic()
        decoder = frames.Decoder(INPUTS)
        viewer = FrameChannel(self._watcher, browser, decoder)
        try:
            desktop = await self._handshake(connection, viewer)
        except Refused as refused:
            self._metrics.refused(refused.slug)
            self._over(connection, By.PROXY, refused.code, f"{refused.slug}: {refused.sentence}")
            self._farewells.leave(browser, frames.close(refused.code, refused.sentence))
            return
        except (EOFError, OSError):
            self._over(connection, By.BROWSER, GONE, "the browser left during the handshake")
            self._farewells.leave(browser)
            return
        except BaseException:
            self._over(connection, By.PROXY, CloseCode.RESTARTING, "the handshake was stopped")
            self._watcher.forget(browser.fileno())
            browser.close()
            raise
        self._metrics.handshake.observe(time.monotonic() - started)
        decoder.mark_from(viewer.rest)
        self._start(connection, browser, desktop, decoder, viewer.rest, upgrade)

    async def _handshake(self, connection: Connection, viewer: FrameChannel) -> socket.socket:
        """The desktop's socket behind its ClientInit. Raises Refused, EOFError or OSError of the browser."""
        ticket = connection.ticket
        if connection.verdict is not None:
            raise _revoked(connection.verdict)
        reaching = asyncio.get_running_loop().create_task(self._desktops.enter(ticket))
        try:
            async with asyncio.timeout(self._settings.handshake_seconds):
                password = passwords.one_time_password(self._settings.key, ticket.connection)
                await straight(viewer.ready, rfb.greet_viewer(viewer, password))
                desktop = await reaching
                await straight(viewer.ready, rfb.admit_viewer(viewer))
            if connection.verdict is not None:  # its cancellation was swallowed on the way
                raise _revoked(connection.verdict)
        except BaseException as error:
            reaching.cancel()
            reaching.add_done_callback(self._leave_unwanted)
            raise _refusal(error, connection) from error
        return desktop

    def _start(
        self,
        connection: Connection,
        browser: socket.socket,
        desktop: socket.socket,
        decoder: frames.Decoder,
        early: bytes,
        upgrade: Upgrade,
    ) -> None:
        ticket = connection.ticket
        link = Link(asyncio.get_running_loop(), self._watcher, browser, desktop, decoder, connection)
        connection.link, connection.task = link, None
        self._metrics.setups.inc()
        self._metrics.traffic.begin(link)
        self.presence.joined(connection)
        _log.info(
            "connection.opened",
            connection=ticket.connection,
            person=ticket.username,
            instance=ticket.instance,
            mode=ticket.mode,
            address=upgrade.address,
            asked_in=ticket.request_id,
        )
        link.start(early)

    def connection_answered(self, connection: Connection, seconds: float) -> None:
        """A ping came back."""
        self._metrics.round_trip.observe(seconds)

    def connection_ended(self, connection: Connection, end: End) -> None:
        """The link is over: close its sockets politely and write the connection's one line."""
        if connection.link is not None:
            self._metrics.traffic.end(connection.link)
        self.presence.left(connection)
        self._over(connection, end.by, end.code, end.reason)
        if end.by is By.BROWSER:
            end.browser.close()  # it said good-bye or is gone: nothing of it can be under way any more
        else:
            self._farewells.leave(end.browser)
        if end.desktop is not None:
            self._farewells.leave(end.desktop, end.rest)

    def _leave_unwanted(self, reaching: asyncio.Task[socket.socket]) -> None:
        if not reaching.cancelled() and reaching.exception() is None:
            sock = reaching.result()
            self._watcher.forget(sock.fileno())
            sock.close()

    def _over(self, connection: Connection, by: By, code: int, reason: str) -> None:
        self._forget(connection)
        invented = by is By.BROWSER and code >= _FIRST_OWN_CODE  # or a person could make a series of each
        self._metrics.ends.labels("other" if invented else str(int(code))).inc()
        copy_context().run(_write_end, connection, by, int(code), reason)

    def _remember(self, connection: Connection) -> None:
        self._open.add(connection)
        self._people[connection.ticket.username] += 1
        self._live.add(connection)

    def _forget(self, connection: Connection) -> None:
        if connection not in self._open:
            return
        self._open.discard(connection)
        self._live.discard(connection)
        person = connection.ticket.username
        self._people[person] -= 1
        if not self._people[person]:
            del self._people[person]


def _refusal(error: BaseException, connection: Connection) -> BaseException:  # noqa: PLR0911  (a table)
    """What a failed handshake means for the browser; errors that mean nothing to it are returned as they are."""
    match error:
        case asyncio.CancelledError() if connection.verdict is not None:
            return _revoked(connection.verdict)
        case Unreachable():
            return Refused(CloseCode.UPSTREAM, f"desktop-{error.hop}", error.reason)
        case rfb.WrongPassword():
            return Refused(CloseCode.TICKET, "wrong-password", "The one-time password does not fit.")
        case rfb.RfbError():
            return Refused(CloseCode.TICKET, "malformed-rfb", f"{str(error)[0].upper()}{str(error)[1:]}.")
        case BrokenFrames():
            return Refused(error.code, "malformed-frames", error.reason)
        case TimeoutError():
            return Refused(CloseCode.TOO_SLOW, "handshake-slow", "The handshake took too long.")
    return error


def _write_end(connection: Connection, by: By, code: int, reason: str) -> None:
    """The one line of a connection, under the request id of the page's click."""
    ticket, link = connection.ticket, connection.link
    if ticket.request_id:
        request_id.bind(ticket.request_id)
    _log.info(
        "connection.ended",
        connection=ticket.connection,
        person=ticket.username,
        instance=ticket.instance,
        mode=ticket.mode,
        seconds=round(time.time() - connection.since, 3),
        bytes_down=link.bytes_down if link else 0,
        bytes_up=link.bytes_up if link else 0,
        by=by,
        code=code,
        reason=reason,
    )


def _revoked(verdict: tuple[int, str]) -> Refused:
    return Refused(verdict[0], "revoked", verdict[1])
