"""Real sockets on the real selector, for targets that need a loop: one loop for all inputs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from functools import cache

from asci_proxy.watching import Serve, WatchingLoop, WatchingSelector

SMALL_BUFFER = 4608
"""The least that Linux gives: full soon."""


class CheckedWatcher:
    """The selector's own watcher, which also knows what is watched, so that nothing is left behind."""

    def __init__(self, selector: WatchingSelector) -> None:
        self._selector = selector
        self.watched: set[int] = set()

    def watch(self, fd: int, events: int, serve: Serve) -> None:
        """See watching.Watcher."""
        assert fd >= 0, "a closed socket is watched"
        self._selector.watch(fd, events, serve)
        self.watched.add(fd)

    def forget(self, fd: int) -> None:
        """See watching.Watcher."""
        self._selector.forget(fd)
        self.watched.discard(fd)


@cache
def _world() -> tuple[asyncio.Runner, CheckedWatcher]:
    selector = WatchingSelector()
    return asyncio.Runner(loop_factory=lambda: WatchingLoop(selector)), CheckedWatcher(selector)


def watcher() -> CheckedWatcher:
    """The watcher of the loop that :func:`play` runs on."""
    return _world()[1]


def play(story: Coroutine[object, object, None]) -> None:
    """Run it to its end on the common loop. Whatever the loop itself was told of as an error is raised."""
    runner, watching = _world()
    errors: list[dict[str, object]] = []
    runner.get_loop().set_exception_handler(lambda _loop, context: errors.append(context))
    runner.run(story)
    assert not errors, errors
    assert not watching.watched, f"still watched: {watching.watched}"


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends that hold little, neither of which blocks."""
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
    return ends


async def turns(count: int = 4) -> None:
    """Let the loop serve what is ready."""
    for _ in range(count):
        await asyncio.sleep(0)


def take(sock: socket.socket, most: int) -> bytes | None:
    """What is there: empty at the end of the stream, None when nothing is there yet."""
    try:
        return sock.recv(most)
    except (BlockingIOError, InterruptedError):
        return None
    except ConnectionError:
        return b""


def give(sock: socket.socket, data: bytes) -> int:
    """How many bytes were taken; all of them where nobody listens any more."""
    try:
        return sock.send(data)
    except (BlockingIOError, InterruptedError):
        return 0
    except OSError:
        return len(data)
