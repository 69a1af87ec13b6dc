"""The lock that one controller holds."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from asci_api.domain.errors import Unavailable
from asci_api.domain.ports import Fence
from asci_api.store import keys
from asci_api.store.redis import Door, answering
from asci_shared.redis_contract import SENTINEL

LEASE_SECONDS = 6.0
"""Renewed every 2 s by whoever calls ``acquire``."""


@dataclass(frozen=True, slots=True)
class RedisLeadership:
    """Satisfies ``Leadership`` for one process.

    ``last_epoch`` tells the last epoch that the durable copy knows: a new one is above it, whatever Redis forgot.
    """

    door: Door
    name: str
    last_epoch: Callable[[], int] = lambda: 0
    lease: float = LEASE_SECONDS
    holder: str = field(default_factory=lambda: secrets.token_hex(8))

    def acquire(self) -> Fence | None:
        epoch = max(self.last_epoch(), int(time.time() * 1000)) + 1
        term = self.door.run(
            "leader_acquire",
            [SENTINEL, keys.LEADER, keys.LEADER_NUMBER],
            [self._me, int(self.lease * 1000), epoch],
        )
        return None if term is None else Fence(epoch=int(term[0]), number=int(term[1]))

    def holds(self, fence: Fence) -> bool:
        try:
            with answering():
                held = self.door.client.hmget(keys.LEADER, ["holder", "epoch", "number"])
        except Unavailable:
            return False
        return held == [self._me.encode(), str(fence.epoch).encode(), str(fence.number).encode()]

    def sentinel_stands(self) -> bool:
        with answering():
            return bool(self.door.client.exists(SENTINEL))

    def raise_sentinel(self, fence: Fence) -> None:
        self.door.run("sentinel_raise", [SENTINEL, keys.LEADER, keys.CHANGES], [fence.epoch, fence.number])

    def release(self, fence: Fence) -> None:
        self.door.run("leader_release", [keys.LEADER], [self._me, fence.epoch, fence.number])

    @property
    def _me(self) -> str:
        return f"{self.name}:{self.holder}"
