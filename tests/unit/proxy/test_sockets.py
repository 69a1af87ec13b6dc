"""Dialling and leaving."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from asci_proxy import sockets


@contextlib.contextmanager
def door(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening:
        yield listening


@pytest.mark.parametrize(("name", "host"), [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "::1")])
def test_addresses_and_names_are_dialled(name: str, host: str) -> None:
    async def play(port: int) -> None:
        sock = await sockets.dial(name, port)
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        sock.close()

    with contextlib.ExitStack() as stack:
        try:
            listening = stack.enter_context(door(host))
        except OSError:
            pytest.skip("no IPv6 here")
        asyncio.run(play(listening.getsockname()[1]))


def test_a_closed_port_is_an_error() -> None:
    with door() as listening:
        port = listening.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(sockets.dial("127.0.0.1", port))


def test_last_words_arrive_although_unread_bytes_wait() -> None:
    """Closing at once would reset the connection, and take the last words with it."""

    async def play() -> bytes:
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(far, b"unread")
        leaving = asyncio.create_task(sockets.leave(near, b"good-bye"))
        words = b""
        while data := await loop.sock_recv(far, 100):
            words += data
        far.close()
        await leaving
        assert near.fileno() == -1
        return words

    assert asyncio.run(play()) == b"good-bye"


def test_a_peer_that_never_closes_is_left_after_two_seconds() -> None:
    async def play() -> None:
        near, far = socket.socketpair()
        near.setblocking(False)
        await sockets.leave(near, b"x")
        assert near.fileno() == -1
        far.close()

    started = time.monotonic()
    asyncio.run(play())
    assert time.monotonic() - started >= sockets.LINGER_SECONDS
