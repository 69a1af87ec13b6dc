"""One WebSocket to an application: both opening handshakes by hand, then the bytes are spliced.

Nothing of the protocol behind the handshakes is the proxy's: extensions, subprotocols and frames pass unchanged.
"""

from __future__ import annotations

import asyncio
import socket
import time

from aiohttp import hdrs, web
from multidict import CIMultiDict

from asci_proxy import frames, handover, sockets
from asci_proxy.handover import HandedOver
from asci_proxy.metrics import Metrics
from asci_proxy.sockets import Farewells
from asci_proxy.watching import Watcher
from asci_proxy.webapps import headers, heads, secret
from asci_proxy.webapps.cuttable import Cuttable, Failed
from asci_proxy.webapps.frame_trail import FrameTrail, masked
from asci_proxy.webapps.heads import Head
from asci_proxy.webapps.pages import unreachable
from asci_proxy.webapps.secret import PAUSES, Secrets
from asci_proxy.webapps.sessions import AppSession
from asci_proxy.webapps.splice import Splice
from asci_shared import passwords
from asci_shared.logging import get_logger

GOING_AWAY = 1001
BROWSER_TIMEOUT_MS = 65_000
"""How long a browser may leave bytes unacknowledged, or its window shut."""
_READ_BYTES = 16 * 1024
_UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "websocket"))

_log = get_logger(__name__)


class AppSockets:
    """Opens WebSockets, and keeps them until they end."""

    def __init__(
        self,
        metrics: Metrics,
        secrets: Secrets,
        watcher: Watcher,
        farewells: Farewells,
        dial_seconds: float,
        head_seconds: float,
    ) -> None:
        self._metrics, self._secrets, self._watcher, self._farewells = metrics, secrets, watcher, farewells
        self._dial_seconds, self._head_seconds = dial_seconds, head_seconds

    async def open(
        self, request: web.Request, session: AppSession, fields: CIMultiDict[str], exchange: Cuttable
    ) -> web.StreamResponse:
        """Ask the application; with its 101 the browser's socket is spliced to it. Raises Failed, Refused."""
        transport = request.transport
        if transport is not None:
            transport.pause_reading()  # what the browser sends behind its handshake is for the splice
        try:
            reached = await exchange.run(
                self._ask_patiently(request, session, fields), lambda unwanted: unwanted[1].close()
            )
        finally:
            if transport is not None and not transport.is_closing():
                transport.resume_reading()
        if isinstance(reached, HandedOver):
            return reached
        head, upstream, early = reached
        if head.status != 101:
            upstream.close()
            fields = headers.response_down(head.fields)
            fields.popall(hdrs.CONTENT_LENGTH, None)
            return web.Response(status=head.status, headers=fields)
        return self._splice(request, session, head, upstream, early)

    async def _ask_patiently(
        self, request: web.Request, session: AppSession, fields: CIMultiDict[str]
    ) -> tuple[Head, socket.socket, bytes]:
        """As :meth:`_ask`; where the secret is refused, again after a moment."""
        for pause in (*PAUSES, 0.0):
            fields[passwords.UPSTREAM_HEADER] = self._secrets.of(session)
            head, upstream, early = await self._ask(request, session, fields)
            if not secret.is_refusal(head.status, head.fields):
                return head, upstream, early
            upstream.close()
            await self._secrets.was_refused(session)
            await asyncio.sleep(pause)
        raise Failed(secret.refusal())

    async def _ask(
        self, request: web.Request, session: AppSession, fields: CIMultiDict[str]
    ) -> tuple[Head, socket.socket, bytes]:
        """The answer's head, the socket behind it, and what came with it. Raises Failed."""
        upstream = await self._dial(session)
        try:
            async with asyncio.timeout(self._head_seconds):
                loop = asyncio.get_running_loop()
                first = f"GET {request.raw_path} HTTP/1.1"
                await loop.sock_sendall(upstream, heads.write(first, [*fields.items(), *_UPGRADE]))
                head, early = await _read_head(upstream)
            _check(head, handover.accept_key(request))
        except BaseException as error:
            upstream.close()
            raise _failure(error, self._head_seconds) from error
        return head, upstream, early

    async def _dial(self, session: AppSession) -> socket.socket:
        try:
            async with asyncio.timeout(self._dial_seconds):
                return await sockets.dial(self._watcher, session.right.address, session.right.port)
        except TimeoutError:
            words = f"It did not answer within {self._dial_seconds:g} s."
            raise Failed(unreachable("node", words, 504)) from None
        except OSError:
            raise Failed(unreachable("node", "The application's port on its node is closed.")) from None

    def _splice(
        self, request: web.Request, session: AppSession, head: Head, upstream: socket.socket, early: bytes
    ) -> web.StreamResponse:
        """No await from here on: aiohttp must not read a byte that is ours."""
        fields = headers.response_down(head.fields)
        fields.popall(hdrs.CONTENT_LENGTH, None)
        answer = heads.write("HTTP/1.1 101 Switching Protocols", [*fields.items(), *_UPGRADE])
        browser = handover.take_socket(request, answer)
        if browser is None:
            upstream.close()
            return HandedOver()
        browser.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, BROWSER_TIMEOUT_MS)
        self._metrics.app_requests.labels("1xx").inc()
        AppSocket(session, browser, upstream, self._farewells, self._metrics).start(early)
        return HandedOver()


class AppSocket:
    """One open WebSocket. An ``Exchange``."""

    def __init__(
        self,
        session: AppSession,
        browser: socket.socket,
        upstream: socket.socket,
        farewells: Farewells,
        metrics: Metrics,
    ) -> None:
        self._session, self._browser, self._upstream = session, browser, upstream
        self._farewells, self._metrics = farewells, metrics
        self._up, self._down = FrameTrail(), FrameTrail()
        self._splice = Splice(
            asyncio.get_running_loop(), browser, upstream, up=self._up, down=self._down, ended=self._ended
        )
        self._words_down = self._words_up = b""
        self._counted_up = self._counted_down = self._messages = 0
        self._since = time.monotonic()
        self._connection = session.right.connection

    def start(self, early: bytes) -> None:
        """Begin; ``early`` came behind the application's head."""
        self._session.begin(self, by_person=False)
        self._splice.start(early)

    def cut(self, code: int, reason: str) -> None:
        """See ``Exchange``. Close frames are said where no frame is open, else the connection just ends."""
        if self._splice.idle_down and self._down.at_boundary:
            self._words_down = frames.close(code, reason)
        if self._splice.idle_up and self._up.at_boundary:
            self._words_up = masked(frames.close(GOING_AWAY))
        self._splice.stop(f"{int(code)} {reason}")

    def look(self) -> None:
        """See ``Exchange``: the sockets themselves tell when one is gone. Counts, and notes that the person writes."""
        up, down = self._splice.bytes_up, self._splice.bytes_down
        self._session.bytes_up += up - self._counted_up
        self._session.bytes_down += down - self._counted_down
        self._metrics.app_bytes.labels("up").inc(up - self._counted_up)
        self._metrics.app_bytes.labels("down").inc(down - self._counted_down)
        self._counted_up, self._counted_down = up, down
        if self._up.messages > self._messages:
            self._messages = self._up.messages
            self._session.used()

    def _ended(self, reason: str) -> None:
        self.look()
        self._session.over(self)
        self._farewells.leave(self._browser, self._words_down)
        self._farewells.leave(self._upstream, self._words_up)
        _log.info(
            "app.socket_ended",
            connection=self._connection,
            person=self._session.right.username,
            instance=self._session.right.instance,
            seconds=round(time.monotonic() - self._since, 3),
            bytes_down=self._counted_down,
            bytes_up=self._counted_up,
            reason=reason,
        )


async def _read_head(upstream: socket.socket) -> tuple[Head, bytes]:
    """The head, and what came behind it. Raises MalformedHead, EOFError, OSError."""
    loop, data = asyncio.get_running_loop(), b""
    while True:
        piece = await loop.sock_recv(upstream, _READ_BYTES)
        if not piece:
            raise EOFError("the application closed the connection")
        data += piece
        head, end, early = data.partition(heads.END)
        if end:
            parsed = heads.parse(head)
            if parsed.status == 101 or parsed.status >= 200:
                return parsed, early
            data = early  # an interim answer (RFC 9110, section 15.2)
        elif len(data) > heads.MOST_HEAD_BYTES:
            raise heads.MalformedHead("no end of the head")


def _check(head: Head, accept: str) -> None:
    """Raises MalformedHead for a 101 that does not answer our question."""
    if head.status == 101 and not (
        headers.is_upgrade(head.fields) and head.fields.get("Sec-WebSocket-Accept") == accept
    ):
        raise heads.MalformedHead("the upgrade is not answered")


def _failure(error: BaseException, seconds: float) -> BaseException:
    match error:
        case TimeoutError():
            return Failed(unreachable("application", f"It did not answer within {seconds:g} s.", 504))
        case heads.MalformedHead():
            return Failed(unreachable("application", "It answered with something that is not HTTP."))
        case EOFError() | OSError():
            return Failed(unreachable("application", "It closed the connection before it answered."))
    return error
