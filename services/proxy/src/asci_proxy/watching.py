"""A selector for asyncio that serves some descriptors itself, straight from epoll.

asyncio makes a handle, a turn of its queue and a context out of every event. Sockets that move bytes have millions of
events and need none of that: what watches them is called from within :meth:`WatchingSelector.select`. Everything else
(listeners, aiohttp's transports, the loop's own wake-up pipe) is asyncio's as ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import select
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextvars import Context
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
READ, WRITE, EDGE, ENDS = select.EPOLLIN, select.EPOLLOUT, select.EPOLLET, select.EPOLLRDHUP
_MOST_EVENTS = 256
"""Served before asyncio has its turn again."""

Serve = Callable[[int], None]
"""Called with epoll's bits. They may be of a socket that is gone by now, so they are to be tried, not trusted.

One that raises is reported to the loop's exception handler and not called any more; the others are.
"""


class Watcher(Protocol):
    """Calls back when a descriptor can be read or written."""

    def watch(self, fd: int, events: int, serve: Serve) -> None:
        """Call ``serve`` while one of ``events`` holds (with EDGE: when it begins to). Replaces an earlier wish."""

    def forget(self, fd: int) -> None:
        """Call no more; to be said before the descriptor is closed. Repeating is harmless."""


class WatchingSelector(selectors.BaseSelector):
    """asyncio's selector, and a :class:`Watcher`, on one epoll."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._served: dict[int, Serve] = {}
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._map = _Map(self._keys)
        self.stirred = False
        """asyncio was given something to do since :meth:`select` was entered."""

    def watch(self, fd: int, events: int, serve: Serve) -> None:
        """See :class:`Watcher`."""
        if fd in self._served:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._served[fd] = serve

    def forget(self, fd: int) -> None:
        """See :class:`Watcher`."""
        if self._served.pop(fd, None) is not None:
            try:  # noqa: SIM105  (suppress costs more than forgetting)
                self._epoll.unregister(fd)
            except OSError:  # closed meanwhile
                pass

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Serve what is watched until there is something for asyncio; return what is asyncio's."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        others: list[tuple[selectors.SelectorKey, int]] = []
        self.stirred = False
        while not others and not self.stirred:
            self._serve_once(timeout, others)
            if timeout is not None and (timeout := deadline - time.monotonic()) <= 0:
                break
        return others

    def _serve_once(self, timeout: float | None, others: list[tuple[selectors.SelectorKey, int]]) -> None:
        served = self._served
        for fd, bits in self._epoll.poll(_whole_milliseconds(timeout), _MOST_EVENTS):
            serve = served.get(fd)
            if serve is not None:
                try:
                    serve(bits)
                except Exception as error:  # noqa: BLE001  (whatever went wrong with one socket, the others go on)
                    self._give_up(fd, error)
            elif (key := self._keys.get(fd)) is not None:
                others.append((key, key.events & _of_asyncio(bits)))

    def _give_up(self, fd: int, error: Exception) -> None:
        self.forget(fd)
        context = {"message": f"what watches descriptor {fd} failed", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        """See :class:`selectors.BaseSelector`."""
        key = selectors.SelectorKey(fileobj, _descriptor(fileobj), events, data)
        if key.fd in self._keys:
            raise KeyError(f"descriptor {key.fd} is registered already")
        self._epoll.register(key.fd, _of_epoll(events))
        self._keys[key.fd] = key
        return key

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        """See :class:`selectors.BaseSelector`."""
        key = self._keys.pop(_descriptor(fileobj))
        with contextlib.suppress(OSError):  # closed meanwhile: then epoll forgot it by itself
            self._epoll.unregister(key.fd)
        return key

    def modify(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        """See :class:`selectors.BaseSelector`."""
        key = self._keys[_descriptor(fileobj)]
        if events != key.events:
            self._epoll.modify(key.fd, _of_epoll(events))
        key = self._keys[key.fd] = key._replace(events=events, data=data)
        return key

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        """What is asyncio's."""
        return self._map

    def close(self) -> None:
        """Ends both."""
        self._epoll.close()
        self._served.clear()
        self._keys.clear()


class WatchingLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop; it tells its selector when it was given something to do, so that it is entered then only."""

    def __init__(self, selector: WatchingSelector) -> None:
        self._watching = selector  # before the rest, which may schedule already
        super().__init__(selector)

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """See asyncio."""
        self._watching.stirred = True
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio; :meth:`call_later` comes through here."""
        self._watching.stirred = True
        return super().call_at(when, callback, *args, context=context)


class _Map(Mapping["FileDescriptorLike", selectors.SelectorKey]):
    """The keys by descriptor or by what has one."""

    def __init__(self, keys: dict[int, selectors.SelectorKey]) -> None:
        self._keys = keys

    def __getitem__(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._keys[_descriptor(fileobj)]

    def __iter__(self) -> Iterator[FileDescriptorLike]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def run(main: Callable[[Watcher], Coroutine[Any, Any, _T]]) -> _T:
    """As :func:`asyncio.run`, on a loop whose selector is handed to ``main`` as its watcher."""
    selector = WatchingSelector()
    with asyncio.Runner(loop_factory=lambda: WatchingLoop(selector)) as runner:
        return runner.run(main(selector))


def _descriptor(fileobj: FileDescriptorLike) -> int:
    return fileobj if isinstance(fileobj, int) else fileobj.fileno()


def _whole_milliseconds(timeout: float | None) -> float:
    """epoll's own unit, rounded up: waking too early would turn the loop for nothing."""
    if timeout is None:
        return -1
    return math.ceil(timeout * 1e3) * 1e-3 if timeout > 0 else 0


def _of_epoll(events: int) -> int:
    return (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0)


def _of_asyncio(bits: int) -> int:
    """An error or hang-up is told to both sides: whoever tries learns of it."""
    return (selectors.EVENT_READ if bits & ~WRITE else 0) | (selectors.EVENT_WRITE if bits & ~READ else 0)
