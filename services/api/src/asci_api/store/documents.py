"""Small tables of what admins decide: a Redis hash each, name -> document, written by compare-and-set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from asci_api.store import codec
from asci_api.store.redis import Door
from asci_shared.redis_contract import SENTINEL

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Documents(Generic[Thing]):
    """One table. ``kind`` is what the durable copy calls its facts."""

    door: Door
    key: str
    kind: str
    of: type[Thing]
    ring: str = ""
    """What is rung at each change; empty for nothing."""

    def all(self) -> dict[str, Thing]:
        """By name. Raises ``Restoring``."""
        return {name: codec.decode(self.of, document) for name, document in self._read().items()}

    def add(self, name: str, thing: Thing) -> bool:
        """Store a new one; False where the name is taken."""
        return self._put(name, b"", codec.encode(thing))

    def change(self, name: str, step: Callable[[Thing | None], Thing]) -> Thing:
        """Read, apply ``step`` (None: there is none yet), and store if nobody wrote between; else again. An equal one
        stores nothing. Returns it as it stands."""
        while True:
            before = self._read().get(name)
            standing = None if before is None else codec.decode(self.of, before)
            after = step(standing)
            if after == standing or self._put(name, before or b"", codec.encode(after)):
                return after

    def remove(self, name: str) -> None:
        """One that is gone is fine."""
        while (before := self._read().get(name)) is not None and not self._put(name, before, ""):
            pass

    def _read(self) -> dict[str, bytes]:
        flat: list[Any] = self.door.run("documents", [SENTINEL, self.key], [])
        return {flat[at].decode(): flat[at + 1] for at in range(0, len(flat), 2)}

    def _put(self, name: str, before: bytes, after: str) -> bool:
        """Whether ``after`` stands now: also where a write was sent twice after a connection broke."""
        if self.door.write("document_put", [self.key], [self.kind, name, before, after, self.ring]) == 1:
            return True
        return self._read().get(name, b"") == after.encode()
