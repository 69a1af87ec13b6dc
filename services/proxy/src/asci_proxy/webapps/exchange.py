"""One HTTP request to an application and its answer, streamed both ways; nothing is held but a chunk at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from asci_proxy.handover import HandedOver
from asci_proxy.metrics import Metrics
from asci_proxy.webapps import headers, secret
from asci_proxy.webapps.cuttable import Cuttable, Failed
from asci_proxy.webapps.pages import unreachable
from asci_proxy.webapps.secret import PAUSES, Secrets
from asci_proxy.webapps.sessions import AppSession
from asci_shared import passwords
from asci_shared.problem import Problem

MOST_FIELD_BYTES = 64 * 1024
"""The longest header field or status line of an application."""
_IDLE_SECONDS = 1.5
"""How long an unused connection is kept. Shorter than any server's own limit: it must not close as we ask."""
_NOT_HTTP = "It answered with something that is not HTTP."
_SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
_AUTOMATIC = (hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE)


class Relayed(web.StreamResponse):
    """An application's answer: what aiohttp would add to it is taken out again."""

    def __init__(self, status: int, reason: str | None, fields: CIMultiDict[str]) -> None:
        super().__init__(status=status, reason=reason, headers=fields)
        self._given = frozenset(name.lower() for name in fields)

    def as_given(self) -> None:
        """Called when the head is about to be written."""
        for name in (hdrs.CONTENT_TYPE, hdrs.SERVER):
            if name.lower() not in self._given:
                self.headers.popall(name, None)


async def as_given(_request: web.Request, response: web.StreamResponse) -> None:
    """For ``on_response_prepare``."""
    if isinstance(response, Relayed):
        response.as_given()


class Upstreams:
    """The way to applications. ``open`` and ``close`` are called in the running loop."""

    def __init__(self, metrics: Metrics, secrets: Secrets, dial_seconds: float, head_seconds: float) -> None:
        self._metrics, self._secrets = metrics, secrets
        self._dial_seconds, self._head_seconds = dial_seconds, head_seconds
        self._kept: aiohttp.ClientSession | None = None
        self._fresh: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Two pools: questions that may be asked twice use kept connections; whatever has a body or an effect gets a
        connection of its own, which no server is just closing."""
        self._kept = self._session(aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS, ttl_dns_cache=5))
        self._fresh = self._session(aiohttp.TCPConnector(limit=0, force_close=True, ttl_dns_cache=5))

    async def close(self) -> None:
        """Close all connections."""
        for session in (self._kept, self._fresh):
            if session is not None:
                await session.close()

    async def relay(
        self, request: web.Request, session: AppSession, fields: CIMultiDict[str], exchange: Cuttable
    ) -> web.StreamResponse:
        """Ask the application and pass its answer on, to the last byte. Raises Failed."""
        started = time.monotonic()
        upload = _Upload(request, session, self._metrics)
        upstream = await self._ask_patiently(request, session, fields, upload)
        try:
            self._metrics.app_head.observe(time.monotonic() - started)
            self._metrics.app_requests.labels(f"{upstream.status // 100}xx").inc()
            return await self._answer(request, session, upstream, exchange)
        finally:
            if upload.done and upstream.content.at_eof():
                upstream.release()
            else:
                upstream.close()

    async def _ask_patiently(
        self, request: web.Request, session: AppSession, fields: CIMultiDict[str], upload: _Upload
    ) -> aiohttp.ClientResponse:
        """As :meth:`_ask`; where the secret is refused, again after a moment if that harms nobody."""
        pauses = list(PAUSES) if _may_repeat(request) else []
        while True:
            fields[passwords.UPSTREAM_HEADER] = self._secrets.of(session)
            upstream = await self._ask(request, session, fields, upload)
            if not secret.is_refusal(upstream.status, upstream.headers):
                return upstream
            upstream.close()
            await self._secrets.was_refused(session)
            if not pauses:
                raise Failed(secret.refusal())
            await asyncio.sleep(pauses.pop(0))

    async def _ask(
        self, request: web.Request, session: AppSession, fields: CIMultiDict[str], upload: _Upload
    ) -> aiohttp.ClientResponse:
        """The answer's head. The time for it counts from the last byte of the question."""
        client = self._kept if _may_repeat(request) else self._fresh
        if client is None:
            raise RuntimeError("open() comes first")
        if request.body_exists and request.content_length is None:
            fields.popall(hdrs.CONTENT_LENGTH, None)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._head_seconds) as deadline:
                upload.progress = lambda: deadline.reschedule(loop.time() + self._head_seconds)
                try:
                    return await client.request(
                        request.method,
                        _url(session, request),
                        headers=fields,
                        data=upload.chunks() if request.body_exists else None,
                        chunked=True if request.body_exists and request.content_length is None else None,
                        allow_redirects=False,
                    )
                finally:
                    upload.progress = None
        except TimeoutError as error:
            raise Failed(self._slow(error, upload)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Failed(_failure(error, upload)) from None

    async def _answer(
        self, request: web.Request, session: AppSession, upstream: aiohttp.ClientResponse, exchange: Cuttable
    ) -> web.StreamResponse:
        if upstream.status < 200:
            raise Failed(unreachable("application", "It changed the protocol without being asked to."))
        if not headers.is_whole(upstream.headers):
            raise Failed(unreachable("application", _NOT_HTTP))
        reason = (
            upstream.reason if upstream.reason and upstream.reason.isascii() and upstream.reason.isprintable() else None
        )
        response = Relayed(upstream.status, reason, headers.response_down(upstream.headers))
        exchange.started = True
        try:
            await response.prepare(request)
            async for chunk in upstream.content.iter_any():
                await response.write(chunk)
                session.bytes_down += len(chunk)
                self._metrics.app_bytes.labels("down").inc(len(chunk))
            await response.write_eof()
        except (aiohttp.ClientError, OSError):  # either side left before the end
            exchange.break_off()
            return HandedOver()
        return response

    def _slow(self, error: TimeoutError, upload: _Upload) -> Problem:
        if isinstance(error, aiohttp.ServerTimeoutError):
            return unreachable("node", f"It did not answer within {self._dial_seconds:g} s.", 504)
        if not upload.done:
            return Problem(
                408, "body-slow", "The request stopped in the middle.", next_step="Send it again on a better line."
            )
        return unreachable("application", f"It did not answer within {self._head_seconds:g} s.", 504)

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_AUTOMATIC,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._dial_seconds),
            max_line_size=MOST_FIELD_BYTES,
            max_field_size=MOST_FIELD_BYTES,
        )


class _Upload:
    """A request's body on its way."""

    def __init__(self, request: web.Request, session: AppSession, metrics: Metrics) -> None:
        self._request, self._session, self._metrics = request, session, metrics
        self.done = not request.body_exists
        self.broken = False
        self.progress: Callable[[], None] | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._request.content.iter_any():
                self._session.bytes_up += len(chunk)
                self._metrics.app_bytes.labels("up").inc(len(chunk))
                yield chunk
                if self.progress is not None:
                    self.progress()
        except (aiohttp.ClientError, web.RequestPayloadError, OSError):
            self.broken = True
            raise
        self.done = True


def _may_repeat(request: web.Request) -> bool:
    return request.method in _SAFE and not request.body_exists


def _failure(error: Exception, upload: _Upload) -> Problem:
    if upload.broken:
        return Problem(400, "malformed-body", "The request's body broke off or is malformed.")
    if isinstance(error, aiohttp.ClientConnectorError):
        return unreachable("node", "The application's port on its node is closed.")
    if isinstance(error, aiohttp.ClientResponseError | ValueError):
        return unreachable("application", _NOT_HTTP)
    return unreachable("application", "It closed the connection before it answered.")


def _url(session: AppSession, request: web.Request) -> URL:
    host = session.right.address
    return URL(f"http://{f'[{host}]' if ':' in host else host}:{session.right.port}{request.raw_path}", encoded=True)
