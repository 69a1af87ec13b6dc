"""Web applications of the tests' own: a real aiohttp server, and a raw socket that answers what no server does."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator

from aiohttp import WSMsgType, web


class WebApp:
    """An application in a thread of its own; what tests look at is written by its handlers."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.open = 0
        """Requests under way."""
        self.received = 0
        """Bytes of bodies."""
        self.heard: list[str] = []
        """Texts of WebSockets."""
        self.events: asyncio.Queue[str] = asyncio.Queue()
        self.may_answer = asyncio.Event()
        self.may_read = asyncio.Event()
        self.may_read.set()

    @contextlib.contextmanager
    def listening(self) -> Iterator[int]:
        """Its port."""
        ready: list[int] = []
        started = threading.Event()
        thread = threading.Thread(target=self._run, args=(ready, started), daemon=True)
        thread.start()
        assert started.wait(10)
        yield ready[0]
        self.die()
        thread.join(10)

    def die(self) -> None:
        """End the server and its connections. Repeating is harmless."""
        with contextlib.suppress(RuntimeError):  # it is closed already
            self.loop.call_soon_threadsafe(self.loop.stop)

    def say(self, event: str) -> None:
        """Send a server-sent event to whoever listens."""
        self.loop.call_soon_threadsafe(self.events.put_nowait, event)

    def let(self, gate: asyncio.Event) -> None:
        self.loop.call_soon_threadsafe(gate.set)

    def hold(self, gate: asyncio.Event) -> None:
        self.loop.call_soon_threadsafe(gate.clear)

    def _run(self, ready: list[int], started: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)
        runner = self.loop.run_until_complete(self._start())
        ready.append(runner.addresses[0][1])
        started.set()
        self.loop.run_forever()
        self.loop.run_until_complete(runner.cleanup())
        self.loop.close()

    async def _start(self) -> web.AppRunner:
        app = web.Application(middlewares=[self._count], client_max_size=0)
        app.router.add_get("/ws", self._socket)
        app.router.add_get("/cookies", self._cookies)
        app.router.add_get("/fields", self._fields)
        app.router.add_get("/events", self._events)
        app.router.add_get("/bytes/{count}", self._bytes)
        app.router.add_get("/range", self._range)
        app.router.add_get("/status/{status}", self._status)
        app.router.add_get("/later", self._later)
        app.router.add_put("/sink", self._sink)
        app.router.add_post("/refuse", self._refuse)
        app.router.add_route("*", "/{path:.*}", self._echo)
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, auto_decompress=False, handler_cancellation=True
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    @web.middleware
    async def _count(self, request: web.Request, handler: Callable[..., object]) -> web.StreamResponse:
        self.open += 1
        try:
            answer: web.StreamResponse = await handler(request)  # type: ignore[misc]
        finally:
            self.open -= 1
        return answer

    async def _echo(self, request: web.Request) -> web.Response:
        digest, count = hashlib.sha256(), 0
        async for piece in request.content.iter_any():
            digest.update(piece)
            count += len(piece)
        told = {
            "method": request.method,
            "target": request.raw_path,
            "fields": [[name, value] for name, value in request.headers.items()],
            "bytes": count,
            "sha256": digest.hexdigest(),
        }
        return web.json_response(told)

    async def _cookies(self, _request: web.Request) -> web.Response:
        answer = web.Response(text="cookies")
        for line in (
            "plain=1; Path=/",
            "wide=2; Domain=.localhost; Path=/; HttpOnly",
            "asci-app=stolen; Path=/",
            "asci=stolen; Path=/",
        ):
            answer.headers.add("Set-Cookie", line)
        return answer

    async def _fields(self, _request: web.Request) -> web.StreamResponse:
        fields = {
            "X-Own": "kept",
            "X-Named": "dropped",
            "Connection": "X-Named",
            "Keep-Alive": "timeout=5",
            "Clear-Site-Data": '"*"',
            "Alt-Svc": 'h3=":443"',
            "X-ASCI-Upstream": "echoed",
            "X-Frame-Options": "SAMEORIGIN",
            "Content-Security-Policy": "default-src 'self'",
            "Server": "Own/1",
        }
        return web.Response(text="fields", headers=fields)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await answer.prepare(request)
        while True:
            await answer.write(f"data: {await self.events.get()}\n\n".encode())

    async def _bytes(self, request: web.Request) -> web.StreamResponse:
        left = int(request.match_info["count"])
        answer = web.StreamResponse()
        if "length" in request.query:
            answer.content_length = left
        await answer.prepare(request)
        chunk = bytes(range(256)) * 256
        while left and request.method != "HEAD":
            await answer.write(chunk[:left])
            left -= min(left, len(chunk))
        return answer

    async def _range(self, request: web.Request) -> web.Response:
        data = b"0123456789"
        part = request.http_range
        fields = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {part.start}-{part.stop - 1}/10"}
        return web.Response(status=206, body=data[part], headers=fields)

    async def _status(self, request: web.Request) -> web.Response:
        status = int(request.match_info["status"])
        return web.Response(status=status, headers={"ETag": '"x"', "Location": "/elsewhere"})

    async def _later(self, _request: web.Request) -> web.Response:
        await self.may_answer.wait()
        return web.Response(text="at last")

    async def _sink(self, request: web.Request) -> web.Response:
        digest = hashlib.sha256()
        while True:
            await self.may_read.wait()
            piece = await request.content.readany()
            if not piece:
                return web.Response(text=digest.hexdigest())
            digest.update(piece)
            self.received += len(piece)

    async def _refuse(self, _request: web.Request) -> web.Response:
        return web.Response(status=413, text="too much")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if "refuse" in request.query:
            return web.Response(status=409, text="no", headers={"X-Own": "why"})
        answer = web.WebSocketResponse(protocols=("lab.v2",), max_msg_size=64 << 20)
        answer.headers["Set-Cookie"] = "ws=1; Domain=localhost"
        await answer.prepare(request)
        if "first" in request.query:
            await answer.send_str("hello")
        async for message in answer:
            if message.type is WSMsgType.TEXT:
                self.heard.append(message.data)
                await answer.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await answer.send_bytes(message.data)
        self.heard.append(f"closed {answer.close_code}")
        return answer


@contextlib.contextmanager
def raw_app(act: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that does just ``act`` with each connection."""

    def serve(door: socket.socket) -> None:
        while True:
            try:
                sock, _ = door.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(sock,), daemon=True).start()

    def one(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            sock.settimeout(30)
            act(sock)

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=serve, args=(door,), daemon=True).start()
        yield door.getsockname()[1]
        with contextlib.suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)


def read_head(sock: socket.socket) -> bytes:
    """Up to and with the empty line."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            break
        data += piece
    return data
