"""The selector that serves the relay's sockets beside asyncio."""

from __future__ import annotations

import asyncio
import selectors
import socket
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from asci_proxy import watching
from asci_proxy.watching import EDGE, READ, WRITE, Watcher, WatchingSelector


def pair() -> tuple[socket.socket, socket.socket]:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    return near, far


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


def test_what_is_watched_is_called_while_it_holds_until_it_is_forgotten() -> None:
    async def play(watcher: Watcher) -> None:
        near, far = pair()
        seen: list[int] = []
        watcher.watch(near.fileno(), READ, seen.append)
        far.send(b"x")
        await until(lambda: len(seen) >= 3)
        assert seen[0] & READ
        watcher.forget(near.fileno())
        watcher.forget(near.fileno())
        before = len(seen)
        await asyncio.sleep(0.01)
        assert len(seen) == before
        near.close()
        far.close()

    watching.run(play)


def test_an_edge_is_told_once_and_again_with_new_bytes() -> None:
    async def play(watcher: Watcher) -> None:
        near, far = pair()
        seen: list[int] = []
        watcher.watch(near.fileno(), READ | EDGE, seen.append)
        far.send(b"x")
        await until(lambda: seen)
        await asyncio.sleep(0.01)
        assert len(seen) == 1
        far.send(b"y")
        await until(lambda: len(seen) == 2)
        watcher.forget(near.fileno())
        near.close()
        far.close()

    watching.run(play)


def test_the_newer_wish_holds() -> None:
    async def play(watcher: Watcher) -> None:
        near, far = pair()
        first: list[int] = []
        second: list[int] = []
        watcher.watch(near.fileno(), READ, first.append)
        watcher.watch(near.fileno(), WRITE | EDGE, second.append)
        await until(lambda: second)
        assert first == []
        assert second[0] & WRITE
        watcher.forget(near.fileno())
        near.close()
        far.close()

    watching.run(play)


def test_one_that_is_forgotten_by_its_neighbour_is_not_called_in_the_same_turn() -> None:
    async def play(watcher: Watcher) -> None:
        pairs = [pair() for _ in range(2)]
        seen: list[int] = []

        def serve(own: int, other: int) -> None:
            seen.append(own)
            watcher.forget(own)
            watcher.forget(other)

        one, two = (near.fileno() for near, _ in pairs)
        for _, far in pairs:
            far.send(b"x")
        watcher.watch(one, READ, lambda _: serve(one, two))
        watcher.watch(two, READ, lambda _: serve(two, one))
        await until(lambda: seen)
        await asyncio.sleep(0.01)
        assert len(seen) == 1
        for near, far in pairs:
            near.close()
            far.close()

    watching.run(play)


def test_a_descriptor_that_comes_again_may_be_watched_again() -> None:
    """A file that was closed without a word is forgotten by epoll alone."""

    async def play(watcher: Watcher) -> None:
        near, far = pair()
        watcher.watch(near.fileno(), READ, lambda _: None)
        near.close()
        watcher.forget(near.fileno())
        far.close()

    watching.run(play)


def test_asyncio_has_its_turn_for_all_that_a_callback_asks_of_it() -> None:
    """Calls, timers and futures that a served callback begins go on at once, however long nothing else happens."""

    async def play(watcher: Watcher) -> None:
        near, far = pair()
        loop = asyncio.get_running_loop()
        called, timed, settled = asyncio.Event(), asyncio.Event(), loop.create_future()
        acts: list[Callable[[], object]] = [
            lambda: loop.call_soon(called.set),
            lambda: loop.call_later(0.01, timed.set),
            lambda: settled.set_result(None),
        ]

        def serve(_: int) -> None:
            near.recv(1)
            acts.pop(0)()

        watcher.watch(near.fileno(), READ, serve)
        waits: list[Callable[[], Awaitable[object]]] = [called.wait, timed.wait, lambda: settled]
        for wait in waits:
            far.send(b"x")
            await asyncio.wait_for(wait(), 5)
        watcher.forget(near.fileno())
        near.close()
        far.close()

    watching.run(play)


def test_a_busy_socket_starves_nobody() -> None:
    async def play(watcher: Watcher) -> None:
        near, far = pair()
        far.send(b"x")
        watcher.watch(near.fileno(), READ, lambda _: None)
        loop = asyncio.get_running_loop()
        started = loop.time()
        await asyncio.sleep(0.05)
        assert loop.time() - started >= 0.05
        assert await asyncio.to_thread(lambda: 7) == 7
        one, other = pair()
        await loop.sock_sendall(one, b"hello")
        assert await asyncio.wait_for(loop.sock_recv(other, 5), 5) == b"hello"
        watcher.forget(near.fileno())
        for sock in (near, far, one, other):
            sock.close()

    watching.run(play)


def test_another_thread_wakes_the_loop() -> None:
    async def play(_watcher: Watcher) -> None:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            time.sleep(0.05)
            loop.call_soon_threadsafe(woken.set)

        thread = threading.Thread(target=wake)
        thread.start()
        await asyncio.wait_for(woken.wait(), 5)
        thread.join()

    watching.run(play)


def test_streams_and_servers_of_asyncio_work_as_ever() -> None:
    async def play(_watcher: Watcher) -> bytes:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(5))
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello")
            words = await reader.read()
            writer.close()
            await writer.wait_closed()
            return words

    assert watching.run(play) == b"hello"


def test_it_is_a_selector() -> None:
    near, far = pair()
    with WatchingSelector() as selector:
        key = selector.register(near, selectors.EVENT_WRITE, "data")
        assert selector.get_key(near) == selector.get_key(near.fileno()) == key
        assert selector.select(0) == [(key, selectors.EVENT_WRITE)]
        with pytest.raises(KeyError):
            selector.register(near, selectors.EVENT_READ)
        selector.modify(near, selectors.EVENT_READ, "other")
        assert selector.select(0) == []
        assert list(selector.get_map()) == [near.fileno()]
        far.send(b"x")
        ((key, events),) = selector.select()
        assert (key.data, events) == ("other", selectors.EVENT_READ)
        near.close()
        assert selector.unregister(key.fd).data == "other"
        with pytest.raises(KeyError):
            selector.unregister(key.fd)
    far.close()


def test_one_that_fails_is_reported_and_harms_nobody() -> None:
    async def play(watcher: Watcher) -> None:
        told: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["exception"]))
        (bad, bad_peer), (good, good_peer) = socket.socketpair(), socket.socketpair()
        heard: list[bytes] = []
        failure = RuntimeError("in the midst of it")

        def fail(_bits: int) -> None:
            raise failure

        watcher.watch(bad.fileno(), READ, fail)
        watcher.watch(good.fileno(), READ, lambda _bits: heard.append(good.recv(10)))
        for word in (b"one", b"two"):
            bad_peer.send(word)
            good_peer.send(word)
            await asyncio.sleep(0.02)
        assert heard == [b"one", b"two"]
        assert told == [failure], "and it is not called again"
        watcher.forget(good.fileno())
        for sock in (bad, bad_peer, good, good_peer):
            sock.close()

    watching.run(play)
