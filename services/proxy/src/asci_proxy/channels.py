"""Byte streams for the handshakes: a plain socket, and a socket that speaks WebSocket frames."""

from __future__ import annotations

import asyncio
import socket
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from asci_proxy import frames
from asci_proxy.watching import EDGE, ENDS, READ, WRITE, Watcher

_T = TypeVar("_T")
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

    __slots__ = ("_events", "_fd", "_loop", "_waiter", "_watcher", "drained", "ended", "step")

    def __init__(self, watcher: Watcher, sock: socket.socket) -> None:
        self._watcher, self._fd, self._loop = watcher, sock.fileno(), asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._events = 0
        self.drained = False
        """The last read took all there was, and nothing came since: a further one would find nothing."""
        self.ended = False
        """The peer has said all: behind its last bytes the end can be read at once, and no edge will tell of it."""
        self.step: Callable[[], None] | None = None
        """Goes on with what waits here; set by :func:`straight` alone."""

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
        if events != self._events:
            self._events = events
            self._watcher.watch(self._fd, events | EDGE | ENDS, self._stir)
        if self.step is not None:
            await _pause()
            return
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _stir(self, bits: int) -> None:
        self.drained = False
        self.ended = self.ended or bool(bits & ~(READ | WRITE))
        if self.step is not None:
            self.step()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


@types.coroutine
def _pause() -> Generator[None, None, None]:
    yield


async def straight(ready: Readiness, work: Coroutine[Any, Any, _T]) -> _T:
    """The result of ``work``, which waits for nothing but ``ready``: its steps are taken straight from the watcher.

    A conversation has a handful of waits; so they cost neither a turn of asyncio's loop nor a future each.
    """
    result: asyncio.Future[_T] = asyncio.get_running_loop().create_future()

    def go_on() -> None:
        try:
            work.send(None)
        except StopIteration as end:
            ready.step = None
            if not result.done():
                result.set_result(end.value)
        except Exception as error:  # noqa: BLE001  (whatever it is, whoever waits gets it)
            ready.step = None
            if not result.done():
                result.set_exception(error)

    ready.step = go_on
    try:
        go_on()
        return await result
    finally:
        ready.step = None
        work.close()
        if result.done() and not result.cancelled():
            result.exception()  # nobody may be waiting any more; it is no news then


class SocketChannel:
    """A plain non-blocking socket; reads not a byte more than asked for."""

    def __init__(self, watcher: Watcher, sock: socket.socket) -> None:
        self._sock, self.ready = sock, Readiness(watcher, sock)

    async def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes. Raises EOFError, OSError."""
        data = b""
        while len(data) < count:
            piece = await receive(self._sock, self.ready, count - len(data))
            if not piece:
                raise EOFError("the peer closed the connection")
            data += piece
        return data

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""
        await send(self._sock, self.ready, data)


class FrameChannel:
    """A browser's socket through a frame decoder; what was read too much stays in :attr:`rest`."""

    def __init__(self, watcher: Watcher, sock: socket.socket, decoder: frames.Decoder) -> None:
        self._sock, self.ready, self._decoder = sock, Readiness(watcher, sock), decoder
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
        await send(self._sock, self.ready, frames.binary(data))

    async def _read_more(self) -> None:
        data = await receive(self._sock, self.ready, _READ_BYTES)
        if not data:
            raise EOFError("the browser closed the connection")
        decoder = self._decoder
        self.rest += decoder.feed(data)
        for opcode, words in decoder.controls:
            if opcode == frames.Opcode.PING:
                await send(self._sock, self.ready, frames.control(frames.Opcode.PONG, words))
            elif opcode == frames.Opcode.CLOSE:
                await send(self._sock, self.ready, frames.close_reply(words))
                raise EOFError("the browser said good-bye")
        decoder.controls.clear()
        if decoder.failure is not None:
            raise BrokenFrames(*decoder.failure)
        if len(self.rest) > _MOST_WAITING_BYTES:
            raise BrokenFrames(1009, "too much before the handshake was over")


async def receive(sock: socket.socket, ready: Readiness, most: int) -> bytes:
    """What is there, at most ``most`` bytes; empty at the end of the stream. Raises OSError."""
    while True:
        if ready.drained:
            await ready.readable()
        try:
            data = sock.recv(most)
        except (BlockingIOError, InterruptedError):
            ready.drained = True
        else:
            ready.drained = len(data) < most and not ready.ended
            return data


async def send(sock: socket.socket, ready: Readiness, data: bytes) -> None:
    """Send all of ``data``. Raises OSError."""
    while True:
        try:  # noqa: SIM105  (suppress costs more than sending)
            data = data[sock.send(data) :]
        except (BlockingIOError, InterruptedError):
            pass
        if not data:
            return
        await ready.writable()
