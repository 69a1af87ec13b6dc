"""The api's store in memory: fakes with behaviour for every door that Redis stands behind.

``tests/contract/store`` holds them to the same suite as the real adapters. A test makes one :class:`MemoryStore`,
hands its attributes to what it tests, and reads what came of it::

    store = MemoryStore()
    store.instances.add(instance)
    store.clock.advance(60)
    assert store.rings.rung[-1].id == instance.id

``store.state.down = True`` makes every call raise ``Unavailable``; ``store.lose()`` is a FLUSHALL.
"""

from __future__ import annotations

from asci_api.domain.ports import Fence
from tests.support.memory.decided import (
    MemoryOverlays,
    MemoryPolicies,
    MemoryRegistrations,
    MemoryStats,
    MemorySwitches,
)
from tests.support.memory.leading import MemoryDurableCopy, MemoryLeadership
from tests.support.memory.passing import (
    MemoryAttempts,
    MemoryPresence,
    MemoryPulse,
    MemoryRevocations,
    MemoryRings,
    MemoryTickets,
    MemoryWakes,
)
from tests.support.memory.records import (
    MemoryAudit,
    MemoryCluster,
    MemoryIdempotency,
    MemoryInstances,
    MemoryTokens,
)
from tests.support.memory.state import MemoryClock, State

__all__ = ["MemoryClock", "MemoryStore"]


class MemoryStore:
    """All doors of the store on one state. ``whole=False`` begins as a new Redis does: without sentinel."""

    def __init__(self, clock: MemoryClock | None = None, *, whole: bool = True) -> None:
        self.clock = clock or MemoryClock()
        self.state = State(self.clock, epoch=1 if whole else None)
        self.rings = MemoryRings(self.state)
        self.revocations = MemoryRevocations(self.state)
        self.tickets = MemoryTickets(self.state)
        self.wakes = MemoryWakes(self.state)
        self.pulse = MemoryPulse(self.state)
        self.idempotency = MemoryIdempotency(self.state)
        self.attempts = MemoryAttempts(self.state)
        self.presence = MemoryPresence(self.state)
        self.durable = MemoryDurableCopy(self.state)
        self.leadership = MemoryLeadership(self.state)
        self._bind(None)

    def _bind(self, fence: Fence | None) -> None:
        self.instances = MemoryInstances(self.state, self.rings.rung, fence)
        self.tokens = MemoryTokens(self.state, fence)
        self.audit = MemoryAudit(self.state, fence)
        self.cluster = MemoryCluster(self.state, self.rings.rung, fence)
        self.policies = MemoryPolicies(self.state, fence)
        self.registrations = MemoryRegistrations(self.state, fence)
        self.overlays = MemoryOverlays(self.state, fence)
        self.switches = MemorySwitches(self.state, self.rings.rung, fence)
        self.stats = MemoryStats(self.state, fence)

    def fenced(self, fence: Fence) -> MemoryStore:
        """The same store for the holder of ``fence``: its writes are refused once another leads."""
        bound = object.__new__(MemoryStore)
        bound.__dict__.update(self.__dict__)
        bound.revocations = MemoryRevocations(self.state, fence, self.revocations.made, self.revocations._ids)
        bound._bind(fence)
        return bound

    def leader(self, holder: str) -> MemoryLeadership:
        """Leadership as another controller sees it."""
        return MemoryLeadership(self.state, holder)

    def lose(self) -> None:
        """FLUSHALL."""
        self.state.lose()
