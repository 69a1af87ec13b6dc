"""Moves bytes between two sockets, both ways, unchanged. Knows neither HTTP nor ASCI.

Each direction reads at most 16 KiB at a time and keeps what the other side did not take; it reads on when that is gone.
So backpressure is the kernel's, and user space holds at most one chunk a direction. Where one side says that it sends
no more, the other side is told once everything before went out, and the opposite direction goes on for a while.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

CHUNK_BYTES = 16 * 1024
"""Of one turn: a flood of tiny frames, which the meter follows one by one, must not hold up the neighbours."""
HALF_CLOSED_SECONDS = 30.0
"""How long one direction may outlive the other."""

# One buffer for all: it is used within one call and never handed on (send copies into the kernel).
_buffer = bytearray(CHUNK_BYTES)
_view = memoryview(_buffer)


class Meter(Protocol):
    """Sees each byte of a direction once, in order."""

    def passed(self, data: bytes | memoryview) -> None:
        """The receiving socket took these bytes."""


class _Direction:
    """From one socket to the other."""

    __slots__ = ("_ended", "_loop", "_meter", "_pending", "_sink", "_source", "count", "done", "eof")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        source: socket.socket,
        sink: socket.socket,
        meter: Meter,
        ended: Callable[[str], None],
    ) -> None:
        self._loop, self._source, self._sink, self._meter, self._ended = loop, source, sink, meter, ended
        self._pending = b""
        self.eof = self.done = False
        self.count = 0

    @property
    def idle(self) -> bool:
        """Whether nothing waits for the receiving socket."""
        return not self._pending and not self.done

    def start(self, early: bytes) -> None:
        """Begin with what was read already."""
        self._loop.add_reader(self._source, self._readable)
        if early:
            self._push(early)

    def stop(self) -> None:
        self._loop.remove_reader(self._source)
        self._loop.remove_writer(self._sink)
        self._pending = b""
        self.done = True

    def _readable(self) -> None:
        try:
            count = self._source.recv_into(_view)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._ended("a connection broke")
            return
        if count:
            self._push(_view[:count])
            return
        self._loop.remove_reader(self._source)
        self.eof = True
        if not self._pending:
            self._finish()

    def _push(self, data: bytes | memoryview) -> None:
        sent = self._offer(data)
        if sent is not None and sent < len(data):
            self._pending = bytes(data[sent:])
            self._loop.remove_reader(self._source)
            self._loop.add_writer(self._sink, self._writable)

    def _writable(self) -> None:
        sent = self._offer(self._pending)
        if sent is None:
            return
        self._pending = self._pending[sent:]
        if self._pending:
            return
        self._loop.remove_writer(self._sink)
        if self.eof:
            self._finish()
        else:
            self._loop.add_reader(self._source, self._readable)

    def _offer(self, data: bytes | memoryview) -> int | None:
        """How many bytes were taken; None when the splice ended over it."""
        try:
            sent = self._sink.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self._ended("a connection broke")
            return None
        self.count += sent
        self._meter.passed(data[:sent])
        return sent

    def _finish(self) -> None:
        """All is delivered: say that no more comes."""
        self.done = True
        try:
            self._sink.shutdown(socket.SHUT_WR)
        except OSError:
            self._ended("a connection broke")
            return
        self._ended("")


class Splice:
    """Two non-blocking sockets, owned by the splice until ``ended`` is called, once, with both still open."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        near: socket.socket,
        far: socket.socket,
        up: Meter,
        down: Meter,
        ended: Callable[[str], None],
    ) -> None:
        """``up`` meters near to far, ``down`` far to near. ``ended`` gets the reason."""
        self._loop, self._near, self._ended = loop, near, ended
        self._up = _Direction(loop, near, far, up, self._direction_ended)
        self._down = _Direction(loop, far, near, down, self._direction_ended)
        self._timer: asyncio.TimerHandle | None = None
        self._over = False

    @property
    def bytes_up(self) -> int:
        return self._up.count

    @property
    def bytes_down(self) -> int:
        return self._down.count

    def start(self, early_down: bytes = b"") -> None:
        """Begin; ``early_down`` was read from the far side already."""
        self._down.start(early_down)
        if not self._over:
            self._up.start(b"")

    @property
    def idle_up(self) -> bool:
        """Whether the far side took all that was read from the near one, and may be told more."""
        return self._up.idle

    @property
    def idle_down(self) -> bool:
        """The same, the other way round."""
        return self._down.idle

    def stop(self, reason: str) -> None:
        """End now; what is under way is dropped. Repeating is harmless."""
        self._finish(reason)

    def _direction_ended(self, trouble: str) -> None:
        if trouble:
            self._finish(trouble)
        elif self._up.done and self._down.done:
            self._finish("both sides said good-bye")
        elif self._timer is None and not self._over:
            side = "the browser" if self._up.done else "the application"
            self._timer = self._loop.call_later(HALF_CLOSED_SECONDS, self._finish, f"{side} ended")

    def _finish(self, reason: str) -> None:
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._up.stop()
        self._down.stop()
        self._ended(reason)
