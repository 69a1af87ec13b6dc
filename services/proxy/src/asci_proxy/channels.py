"""Byte streams for the handshakes: a plain socket, and a socket that speaks WebSocket frames."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from asci_proxy import frames
from asci_proxy.watching import EDGE, READ, WRITE, Watcher

_READ_BYTES = 4096
_MOST_WAITING_BYTES = 65536


class BrokenFrames(Exception):
    """The browser broke the WebSocket protocol; holds close code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Readiness:
    """Lets one coroutine at a time wait for a non-blocking socket.

    The socket is watched once, for edges, however often is waited: whoever uses it tries first, and waits only when
    there was nothing. It stays watched until :meth:`leave`, or until somebody else watches it.
    """

    __slots__ = ("_events", "_fd", "_loop", "_waiter", "_watcher")

    def __init__(self, watcher: Watcher, sock: socket.socket) -> None:
        self._watcher, self._fd, self._loop = watcher, sock.fileno(), asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._events = 0

    async def readable(self) -> None:
        """Return when there may be something to read."""
        await self._wait(READ)

    async def writable(self) -> None:
        """Return when there may be room to write."""
        await self._wait(READ | WRITE)

    def leave(self) -> None:
        """Watch no more."""
        self._watcher.forget(self._fd)

    async def _wait(self, events: int) -> None:
        waiter = self._waiter = self._loop.create_future()
        if events != self._events:
            self._events = events
            self._watcher.watch(self._fd, events | EDGE, self._stir)
        try:
            await waiter
        finally:
            self._waiter = None

    def _stir(self, _bits: int) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class SocketChannel:
    """A plain non-blocking socket; reads not a byte more than asked for."""

    def __init__(self, watcher: Watcher, sock: socket.socket) -> None:
        self._sock, self._ready = sock, Readiness(watcher, sock)

    async def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes. Raises EOFError, OSError."""
        data = b""
        while len(data) < count:
            piece = await receive(self._sock, self._ready, count - len(data))
            if not piece:
                raise EOFError("the peer closed the connection")
            data += piece
        return data

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""
        await send(self._sock, self._ready, data)


class FrameChannel:
    """A browser's socket through a frame decoder; what was read too much stays in :attr:`rest`."""

    def __init__(self, watcher: Watcher, sock: socket.socket, decoder: frames.Decoder) -> None:
        self._sock, self._ready, self._decoder = sock, Readiness(watcher, sock), decoder
        self.rest = b""
        """Payload that was read and not asked for yet."""

    async def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes of payload. Raises EOFError, OSError, BrokenFrames."""
        while len(self.rest) < count:
            await self._read_more()
        data, self.rest = self.rest[:count], self.rest[count:]
        return data

    async def write(self, data: bytes) -> None:
        """Send ``data`` as one message. Raises OSError."""
        await send(self._sock, self._ready, frames.binary(data))

    async def _read_more(self) -> None:
        data = await receive(self._sock, self._ready, _READ_BYTES)
        if not data:
            raise EOFError("the browser closed the connection")
        decoder = self._decoder
        self.rest += decoder.feed(data)
        for opcode, words in decoder.controls:
            if opcode == frames.Opcode.PING:
                await send(self._sock, self._ready, frames.control(frames.Opcode.PONG, words))
            elif opcode == frames.Opcode.CLOSE:
                await send(self._sock, self._ready, frames.close_reply(words))
                raise EOFError("the browser said good-bye")
        decoder.controls.clear()
        if decoder.failure is not None:
            raise BrokenFrames(*decoder.failure)
        if len(self.rest) > _MOST_WAITING_BYTES:
            raise BrokenFrames(1009, "too much before the handshake was over")


async def receive(sock: socket.socket, ready: Readiness, most: int) -> bytes:
    """What is there, at most ``most`` bytes; empty at the end of the stream. Raises OSError."""
    while True:
        try:
            return sock.recv(most)
        except (BlockingIOError, InterruptedError):
            await ready.readable()


async def send(sock: socket.socket, ready: Readiness, data: bytes) -> None:
    """Send all of ``data``. Raises OSError."""
    while True:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            data = data[sock.send(data) :]
        if not data:
            return
        await ready.writable()
