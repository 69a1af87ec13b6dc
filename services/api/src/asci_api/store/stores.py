"""All doors that Redis stands behind, on one client."""

from __future__ import annotations

import redis

from asci_api.domain.ports import Fence
from asci_api.store.attempts import RedisAttempts
from asci_api.store.audit import RedisAudit
from asci_api.store.cluster import RedisCluster
from asci_api.store.idempotency import RedisIdempotency
from asci_api.store.instances import RedisInstances
from asci_api.store.policies import RedisPolicies
from asci_api.store.presence import RedisPresence
from asci_api.store.pulse import RedisPulse
from asci_api.store.redis import Door
from asci_api.store.registrations import RedisOverlays, RedisRegistrations, RedisSwitches
from asci_api.store.revocations import RedisRevocations
from asci_api.store.rings import RedisRings
from asci_api.store.stats import RedisStats
from asci_api.store.tickets import RedisTickets
from asci_api.store.tokens import RedisTokens
from asci_api.store.wakes import RedisWakes


class RedisStore:
    """The stores of one process, each named as its door in ``domain/ports.py``.

    Leadership and the durable copy are the controller's alone, which makes them from ``door``
    (:class:`~asci_api.store.leader.RedisLeadership`, :class:`~asci_api.store.durable.RedisDurableCopy`).
    """

    def __init__(self, client: redis.Redis, fence: Fence | None = None) -> None:
        self.door = Door(client, fence)
        self.instances = RedisInstances(self.door)
        self.idempotency = RedisIdempotency(self.door)
        self.tokens = RedisTokens(self.door)
        self.attempts = RedisAttempts(self.door)
        self.tickets = RedisTickets(self.door)
        self.presence = RedisPresence(self.door)
        self.revocations = RedisRevocations(self.door)
        self.rings = RedisRings(self.door)
        self.audit = RedisAudit(self.door)
        self.cluster = RedisCluster(self.door)
        self.policies = RedisPolicies(self.door)
        self.registrations = RedisRegistrations(self.door)
        self.overlays = RedisOverlays(self.door)
        self.switches = RedisSwitches(self.door)
        self.stats = RedisStats(self.door)
        self.wakes = RedisWakes(self.door)
        self.pulse = RedisPulse(self.door)

    def fenced(self, fence: Fence) -> RedisStore:
        """The same stores for the leader of this term: what they write is refused once another leads."""
        return RedisStore(self.door.client, fence)
