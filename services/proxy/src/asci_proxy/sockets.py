"""Sockets of the relay: how they are tuned, how they are dialled, and how they are left politely."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable

from asci_proxy.channels import Readiness
from asci_proxy.watching import READ, WRITE, Watcher

LINGER_SECONDS = 2.0
BACKLOG = 4096
"""Connections that may wait to be accepted."""
_KEEPALIVE_IDLE, _KEEPALIVE_INTERVAL, _KEEPALIVE_COUNT = 15, 5, 4
DESKTOP_TIMEOUT_MS = 40_000
"""How long a desktop's host may leave bytes or keepalive probes unacknowledged, or its window shut.

Linux lets this overrule the count of probes (tcp(7)), so it is also when a host that is gone is noticed.
Browsers are judged by pings.
"""
_PIECES = 4


def listening(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that accepts at ``host:port``; where it is ``shared``, several may. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=shared)
    sock.setblocking(False)
    return sock


def tune(sock: socket.socket) -> None:
    """Not blocking, no delay of small writes, and the kernel notices a dead idle peer within about 35 s."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_COUNT)


async def dial(watcher: Watcher, host: str, port: int) -> socket.socket:
    """A tuned connection to ``host:port``. Raises OSError."""
    failure: OSError = OSError(f"{host} has no address")
    for family, address in _literal(host, port) or await _looked_up(host, port):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            tune(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DESKTOP_TIMEOUT_MS)
            await _connect(watcher, sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


async def _connect(watcher: Watcher, sock: socket.socket, address: tuple[str, int]) -> None:
    ready = Readiness(watcher, sock)
    try:
        sock.connect(address)
    except (BlockingIOError, InterruptedError):
        try:
            await ready.writable()
        finally:
            ready.leave()
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code)) from None


def _literal(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    """A numeric address as it is: looking one up would cost a thread's turn."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return [(family, (host, port))]
    return []


async def _looked_up(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, (str(address[0]), port)) for family, *_, address in found]


class Farewells:
    """Sockets that are left politely: their last words go out, then they close when the peer closed too, or after 2 s.

    Closing with unread bytes would make the kernel send a reset, and the peer might never see the last words.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._open: set[_Farewell] = set()

    def leave(self, sock: socket.socket, last_words: bytes = b"") -> None:
        """Take ``sock`` over, say ``last_words`` and that no more comes, and close it."""
        farewell = _Farewell(self._watcher, sock, last_words, self._open.discard)
        self._open.add(farewell)
        farewell.begin()

    async def finish(self, seconds: float) -> None:
        """Wait for those that are under way, for so long at most; then close them."""
        deadline = time.monotonic() + seconds
        while self._open and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for farewell in list(self._open):
            farewell.end()


class _Farewell:
    __slots__ = ("_on_end", "_said", "_sock", "_timer", "_watcher", "_words")

    def __init__(
        self, watcher: Watcher, sock: socket.socket, words: bytes, on_end: Callable[[_Farewell], object]
    ) -> None:
        self._watcher, self._sock, self._words, self._on_end = watcher, sock, words, on_end
        self._said = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        self._go_on(0)
        if self._sock.fileno() >= 0:
            self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self.end)

    def end(self) -> None:
        """Close it. Repeating is harmless."""
        if self._sock.fileno() >= 0:
            self._watcher.forget(self._sock.fileno())
            self._sock.close()
        if self._timer is not None:
            self._timer.cancel()
        self._on_end(self)

    def _go_on(self, _bits: int) -> None:
        try:
            over = self._said_all() and self._heard_all()
        except (BlockingIOError, InterruptedError):
            over = False
        except OSError:
            over = True
        if over:
            self.end()
        else:
            self._watcher.watch(self._sock.fileno(), READ if self._said else WRITE, self._go_on)

    def _said_all(self) -> bool:
        if self._words:
            self._words = self._words[self._sock.send(self._words) :]
        if not self._words and not self._said:
            self._said = True
            self._sock.shutdown(socket.SHUT_WR)
        return self._said

    def _heard_all(self) -> bool:
        """Throw away what comes, a few pieces a turn; whether the peer closed."""
        return any(self._sock.recv_into(_thrown_away) == 0 for _ in range(_PIECES))


_thrown_away = bytearray(65536)
