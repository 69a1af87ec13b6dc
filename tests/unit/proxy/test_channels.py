"""Conversations on sockets: by asyncio's waits, and stepped straight from the watcher."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from asci_proxy import watching
from asci_proxy.channels import SocketChannel, straight
from asci_proxy.watching import Watcher

Test = Callable[[SocketChannel, socket.socket], Awaitable[None]]


def with_peer(test: Test) -> None:
    async def play(watcher: Watcher) -> None:
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        channel = SocketChannel(watcher, near)
        try:
            await test(channel, far)
        finally:
            channel.ready.leave()
            near.close()
            far.close()

    watching.run(play)


async def echo(channel: SocketChannel, rounds: int) -> list[bytes]:
    heard = []
    for _ in range(rounds):
        heard.append(await channel.read(3))
        await channel.write(heard[-1].upper())
    return heard


@pytest.mark.parametrize("way", [straight, lambda _, work: work], ids=["straight", "by asyncio"])
def test_a_conversation_goes_on_with_every_answer(way: Callable[..., Awaitable[list[bytes]]]) -> None:
    async def test(channel: SocketChannel, far: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        talk = asyncio.ensure_future(_of(way(channel.ready, echo(channel, 3))))
        for word in (b"one", b"two"):
            await loop.sock_sendall(far, word[:1])
            await asyncio.sleep(0.005)
            await loop.sock_sendall(far, word[1:])
            assert await asyncio.wait_for(loop.sock_recv(far, 3), 5) == word.upper()
        await loop.sock_sendall(far, b"six")
        assert await asyncio.wait_for(talk, 5) == [b"one", b"two", b"six"]

    with_peer(test)


def test_what_is_there_already_is_not_waited_for() -> None:
    async def test(channel: SocketChannel, far: socket.socket) -> None:
        far.send(b"onetwo")
        assert await asyncio.wait_for(straight(channel.ready, echo(channel, 2)), 5) == [b"one", b"two"]

    with_peer(test)


def test_an_error_of_the_conversation_reaches_who_waits() -> None:
    async def test(channel: SocketChannel, far: socket.socket) -> None:
        far.send(b"on")
        far.shutdown(socket.SHUT_WR)
        with pytest.raises(EOFError):
            await asyncio.wait_for(straight(channel.ready, echo(channel, 1)), 5)

    with_peer(test)


def test_an_end_right_behind_the_last_bytes_is_noticed_at_once() -> None:
    """Bytes and end come with one edge, and the bytes are fewer than were asked for."""

    async def test(channel: SocketChannel, far: socket.socket) -> None:
        talk = asyncio.ensure_future(straight(channel.ready, echo(channel, 1)))
        await asyncio.sleep(0.01)  # it is watched now
        far.send(b"on")
        far.shutdown(socket.SHUT_WR)
        with pytest.raises(EOFError):
            await asyncio.wait_for(talk, 5)

    with_peer(test)


def test_time_that_is_up_ends_the_conversation() -> None:
    async def test(channel: SocketChannel, far: socket.socket) -> None:
        ended = asyncio.Event()

        async def talk() -> None:
            try:
                await channel.read(1)
            finally:
                ended.set()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await straight(channel.ready, talk())
        assert ended.is_set()
        far.send(b"late")  # wakes nobody any more
        await asyncio.sleep(0.02)
        assert await asyncio.wait_for(straight(channel.ready, channel.read(4)), 5) == b"late"

    with_peer(test)


def test_more_than_the_socket_takes_goes_out_in_pieces() -> None:
    async def test(channel: SocketChannel, far: socket.socket) -> None:
        loop, words = asyncio.get_running_loop(), bytes(range(256)) * 8000
        talk = asyncio.ensure_future(straight(channel.ready, channel.write(words)))
        heard = b""
        while len(heard) < len(words):
            heard += await asyncio.wait_for(loop.sock_recv(far, 1 << 20), 5)
        await asyncio.wait_for(talk, 5)
        assert heard == words

    with_peer(test)


async def _of(work: Awaitable[list[bytes]]) -> list[bytes]:
    return await work
