"""What the in-memory store holds, and the switches with which a test makes it misbehave."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from asci_api.domain.errors import Fenced, Restoring, Unavailable
from asci_api.domain.ports import Fence


@dataclass(slots=True)
class MemoryClock:
    """A clock that stands still until a test moves it."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> float:
        self.now += seconds
        return self.now


@dataclass(slots=True)
class Term:
    """The lock as it stands: who leads, in which term, until when."""

    holder: str
    fence: Fence
    until: float
    restoring: bool


@dataclass(slots=True)
class Data:
    """All that a FLUSHALL takes away. ``(value, ends)`` pairs carry the time at which they expire."""

    sentinel: int | None = None
    term: Term | None = None
    numbers: int = 0
    tables: dict[str, dict[Any, Any]] = field(default_factory=dict)
    expiring: dict[str, dict[Any, tuple[Any, float]]] = field(default_factory=dict)
    lists: dict[str, list[Any]] = field(default_factory=dict)


class State:
    """The data, one lock around it, and the clock by which it expires."""

    def __init__(self, clock: MemoryClock, epoch: int | None = 1) -> None:
        self.clock = clock
        self.down = False
        self.data = Data(sentinel=epoch)
        self.lock = threading.RLock()
        self.came = threading.Condition(self.lock)
        self.changes = 0
        self.losses = 0
        self.hearers: list[list[str]] = []

    @contextmanager
    def open(self) -> Iterator[Data]:
        """The data under the lock. Raises Unavailable while the store is down."""
        with self.lock:
            if self.down:
                raise Unavailable("ASCI's records cannot be reached.")
            yield self.data

    @contextmanager
    def write(self, fence: Fence | None) -> Iterator[Data]:
        """The same for a durable write: Restoring without sentinel, Fenced for a term that is over."""
        with self.open() as data:
            if data.sentinel is None:
                raise Restoring
            if fence is not None and (fence.epoch != data.sentinel or not self.leads(fence)):
                raise Fenced("Another controller leads now.")
            self.changes += 1
            yield data

    def standing(self) -> Data:
        """The data for a reading of lists, which say nothing while the sentinel is missing."""
        if self.data.sentinel is None:
            raise Restoring
        return self.data

    def table(self, name: str) -> dict[Any, Any]:
        return self.data.tables.setdefault(name, {})

    def rows(self, name: str) -> list[Any]:
        return self.data.lists.setdefault(name, [])

    def keep(self, name: str, key: Any, value: Any, seconds: float) -> None:
        self.data.expiring.setdefault(name, {})[key] = (value, self.clock.now + seconds)

    def kept(self, name: str, key: Any) -> Any | None:
        """The value, or None where there is none or its time is over."""
        found = self.data.expiring.get(name, {}).get(key)
        return found[0] if found is not None and found[1] > self.clock.now else None

    def left(self, name: str, key: Any) -> float:
        """Seconds that the value has still; 0 without one."""
        found = self.data.expiring.get(name, {}).get(key)
        return max(0.0, found[1] - self.clock.now) if found is not None else 0.0

    def dropped(self, name: str, key: Any) -> None:
        self.data.expiring.get(name, {}).pop(key, None)

    def leads(self, fence: Fence) -> bool:
        term = self.data.term
        return term is not None and term.until > self.clock.now and term.fence == fence

    def wake(self, payload: str) -> None:
        with self.lock:
            for heard in self.hearers:
                heard.append(payload)
            self.came.notify_all()

    def lose(self) -> None:
        """FLUSHALL."""
        with self.lock:
            self.data = Data()
            self.losses += 1
