"""Rings that no record's change rings by itself."""

from __future__ import annotations

from dataclasses import dataclass

from asci_api.store.redis import Door, answering
from asci_shared.redis_contract import CHANNEL_RING, Ring


@dataclass(frozen=True, slots=True)
class RedisRings:
    """Satisfies ``Rings``."""

    door: Door

    def ring(self, ring: Ring) -> None:
        with answering():
            self.door.client.publish(CHANNEL_RING, ring.to_json())
