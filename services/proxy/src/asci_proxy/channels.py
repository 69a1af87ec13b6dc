"""Byte streams for the handshakes: a plain socket, and a socket that speaks WebSocket frames."""

from __future__ import annotations

import asyncio
import socket

from asci_proxy import frames

_READ_BYTES = 4096
_MOST_WAITING_BYTES = 65536


class BrokenFrames(Exception):
    """The browser broke the WebSocket protocol; holds close code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class SocketChannel:
    """A plain non-blocking socket; reads not a byte more than asked for."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._loop = sock, asyncio.get_running_loop()

    async def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes. Raises EOFError, OSError."""
        data = b""
        while len(data) < count:
            piece = await self._loop.sock_recv(self._sock, count - len(data))
            if not piece:
                raise EOFError("the peer closed the connection")
            data += piece
        return data

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""
        await self._loop.sock_sendall(self._sock, data)


class FrameChannel:
    """A browser's socket through a frame decoder; what was read too much stays in :attr:`rest`."""

    def __init__(self, sock: socket.socket, decoder: frames.Decoder) -> None:
        self._sock, self._decoder, self._loop = sock, decoder, asyncio.get_running_loop()
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
        await self._loop.sock_sendall(self._sock, frames.binary(data))

    async def _read_more(self) -> None:
        data = await self._loop.sock_recv(self._sock, _READ_BYTES)
        if not data:
            raise EOFError("the browser closed the connection")
        decoder = self._decoder
        self.rest += decoder.feed(data)
        for opcode, words in decoder.controls:
            if opcode == frames.Opcode.PING:
                await self._loop.sock_sendall(self._sock, frames.control(frames.Opcode.PONG, words))
            elif opcode == frames.Opcode.CLOSE:
                await self._loop.sock_sendall(self._sock, frames.close_reply(words))
                raise EOFError("the browser said good-bye")
        decoder.controls.clear()
        if decoder.failure is not None:
            raise BrokenFrames(*decoder.failure)
        if len(self.rest) > _MOST_WAITING_BYTES:
            raise BrokenFrames(1009, "too much before the handshake was over")
