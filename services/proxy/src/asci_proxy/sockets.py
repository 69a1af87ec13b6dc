"""Sockets of the relay: how they are tuned, and how they are left politely."""

from __future__ import annotations

import asyncio
import contextlib
import socket

LINGER_SECONDS = 2.0
_KEEPALIVE_IDLE, _KEEPALIVE_INTERVAL, _KEEPALIVE_COUNT = 15, 5, 4
_DESKTOP_TIMEOUT_MS = 65_000
"""How long a desktop's host may leave bytes unacknowledged, or its window shut. Browsers are judged by pings."""


def tune(sock: socket.socket) -> None:
    """Not blocking, no delay of small writes, and the kernel notices a dead idle peer within about 35 s."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_COUNT)


async def dial(host: str, port: int) -> socket.socket:
    """A tuned connection to ``host:port``. Raises OSError."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError(f"{host} has no address")
    for family, address in _literal(host, port) or await _looked_up(host, port):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            tune(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DESKTOP_TIMEOUT_MS)
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


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


async def leave(sock: socket.socket, last_words: bytes = b"") -> None:
    """Send ``last_words``, say that no more comes, and close when the peer closed too, at the latest after 2 s.

    Closing with unread bytes would make the kernel send a reset, and the peer might never see the last words.
    """
    loop = asyncio.get_running_loop()
    try:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                if last_words:
                    await loop.sock_sendall(sock, last_words)
                sock.shutdown(socket.SHUT_WR)
                while await loop.sock_recv(sock, 65536):
                    pass
    finally:
        sock.close()
