"""Leadership and the durable copy in memory."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from asci_api.domain.errors import Fenced, Unavailable
from asci_api.domain.ports import Fence
from tests.support.memory.state import Data, State, Term

LEASE = 6.0
ENDED_DAYS = 7 * 86400.0


@dataclass(slots=True)
class MemoryLeadership:
    """Satisfies ``Leadership`` for one holder."""

    state: State
    holder: str = "controller"

    def acquire(self) -> Fence | None:
        with self.state.open() as data:
            term = data.term
            if term is not None and term.until > self.state.clock.now and term.holder != self.holder:
                return None
            if term is None or term.until <= self.state.clock.now or self._lost(data, term):
                term = data.term = self._begin(data)
            term.until = self.state.clock.now + LEASE
            return term.fence

    def holds(self, fence: Fence) -> bool:
        try:
            with self.state.open() as data:
                return self.state.leads(fence) and data.term is not None and data.term.holder == self.holder
        except Unavailable:
            return False

    def sentinel_stands(self) -> bool:
        with self.state.open() as data:
            return data.sentinel is not None

    def raise_sentinel(self, fence: Fence) -> None:
        with self.state.open() as data:
            if not self.holds(fence) or data.term is None:
                raise Fenced("Another controller leads now.")
            data.sentinel = fence.epoch
            data.term.restoring = False

    def release(self, fence: Fence) -> None:
        with self.state.open() as data:
            if self.holds(fence):
                data.term = None

    def _lost(self, data: Data, term: Term) -> bool:
        return data.sentinel is None and not term.restoring

    def _begin(self, data: Data) -> Term:
        data.numbers += 1
        self.state.losses += data.sentinel is None
        epoch = data.sentinel if data.sentinel is not None else int(self.state.clock.now * 1000) + self.state.losses
        return Term(self.holder, Fence(epoch, data.numbers), 0.0, data.sentinel is None)


@dataclass(slots=True)
class MemoryDurableCopy:
    """Satisfies ``DurableCopy``."""

    state: State
    facts: dict[tuple[str, Any], Any] = field(default_factory=dict)
    _followed: int = 0

    def follow(self, seconds: float) -> int:
        with self.state.open() as data:
            if data.sentinel is None:
                return 0
            came, self._followed = self.state.changes - self._followed, self.state.changes
            self.state.keep("copies", "controller", self.state.clock.now, 300.0)
            self.facts = {("instances", key): one for key, one in self.state.table("instances").items()}
            for kind in ("policy", "registration", "overlay", "switch"):
                self.facts |= {(kind, key): one for key, one in self.state.table(kind).items()}
            tokens = data.expiring.get("tokens", {})
            self.facts |= {("tokens", key): tokens[key][0] for key in tokens if self.state.kept("tokens", key)}
            self.facts |= {("lists", name): list(rows) for name, rows in data.lists.items()}
            return came

    def restore(self, fence: Fence) -> int:
        with self.state.open():
            if not self.state.leads(fence):
                raise Fenced("Another controller leads now.")
            return sum(self._put_back(kind, key, deepcopy(fact)) for (kind, key), fact in self.facts.items())

    def _put_back(self, kind: str, key: Any, fact: Any) -> bool:
        now = self.state.clock.now
        if kind == "instances" and fact.ended_at is not None and fact.ended_at < now - ENDED_DAYS:
            return False
        if kind == "tokens":
            if fact.expires_at > now and self.state.kept("tokens", key) is None:
                self.state.keep("tokens", key, fact, min(fact.idle_seconds, fact.expires_at - now))
            return bool(fact.expires_at > now)
        held = self.state.data.lists if kind == "lists" else self.state.data.tables.setdefault(kind, {})
        held.setdefault(key, fact)
        return True
