"""Dialling and leaving."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from functools import partial

import pytest

from asci_proxy import app, events, relay, sockets, watching


@contextlib.contextmanager
def door(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening:
        yield listening


@pytest.mark.parametrize(("name", "host"), [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "::1")])
def test_addresses_and_names_are_dialled(name: str, host: str) -> None:
    async def play(port: int, watcher: watching.Watcher) -> None:
        sock = await sockets.dial(watcher, name, port)
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        sock.close()

    with contextlib.ExitStack() as stack:
        try:
            listening = stack.enter_context(door(host))
        except OSError:
            pytest.skip("no IPv6 here")
        watching.run(partial(play, listening.getsockname()[1]))


def test_a_host_that_is_gone_is_found_within_45_seconds() -> None:
    """What the kernel was told; that it does so was seen on a cut wire (docs/decisions/0421-half-open-peers.md)."""

    async def play(port: int, watcher: watching.Watcher) -> tuple[int, ...]:
        sock = await sockets.dial(watcher, "127.0.0.1", port)
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
        told = tuple(sock.getsockopt(socket.IPPROTO_TCP, option) for option in options)
        sock.close()
        return told

    with door() as listening:
        idle, interval, count, user_timeout = watching.run(partial(play, listening.getsockname()[1]))
    assert idle + interval * count <= 45
    assert idle + interval <= user_timeout / 1000 <= 45 - interval, "it overrules the count, and is judged at a probe"
    assert user_timeout / 1000 > relay.DESKTOP_STUCK_SECONDS + app.TICK_SECONDS, "a shut window gets its own words"


def test_a_page_that_is_gone_is_found_within_45_seconds() -> None:
    """aiohttp waits half a heartbeat for the pong."""
    assert events.HEARTBEAT_SECONDS * 1.5 <= 45


def test_a_closed_port_is_an_error() -> None:
    with door() as listening:
        port = listening.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        watching.run(lambda watcher: sockets.dial(watcher, "127.0.0.1", port))


def test_last_words_arrive_although_unread_bytes_wait() -> None:
    """Closing at once would reset the connection, and take the last words with it."""

    async def play(watcher: watching.Watcher) -> bytes:
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(far, b"unread")
        farewells = sockets.Farewells(watcher)
        farewells.leave(near, b"good-bye")
        words = b""
        while data := await loop.sock_recv(far, 100):
            words += data
        far.close()
        await farewells.finish(5)
        assert near.fileno() == -1
        return words

    assert watching.run(play) == b"good-bye"


def test_a_peer_that_never_closes_is_left_after_two_seconds() -> None:
    async def play(watcher: watching.Watcher) -> None:
        near, far = socket.socketpair()
        near.setblocking(False)
        farewells = sockets.Farewells(watcher)
        farewells.leave(near, b"x")
        await farewells.finish(5)
        assert near.fileno() == -1
        far.close()

    started = time.monotonic()
    watching.run(play)
    assert time.monotonic() - started >= sockets.LINGER_SECONDS


def test_those_that_are_still_being_left_are_closed_when_time_is_up() -> None:
    async def play(watcher: watching.Watcher) -> None:
        near, far = socket.socketpair()
        near.setblocking(False)
        farewells = sockets.Farewells(watcher)
        farewells.leave(near, b"x")
        await farewells.finish(0)
        assert near.fileno() == -1
        assert far.recv(10) == b"x"
        far.close()

    watching.run(play)


def test_last_words_that_do_not_fit_at_once_arrive_whole() -> None:
    async def play(watcher: watching.Watcher) -> bytes:
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        farewells = sockets.Farewells(watcher)
        farewells.leave(near, bytes(100_000))
        loop = asyncio.get_running_loop()
        words = b""
        while data := await loop.sock_recv(far, 5000):
            words += data
        far.close()
        await farewells.finish(5)
        return words

    assert watching.run(play) == bytes(100_000)
