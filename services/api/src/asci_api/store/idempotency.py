"""What idempotency keys led to."""

from __future__ import annotations

from dataclasses import dataclass

from asci_api.domain.identity import InstanceId, Username
from asci_api.domain.ports import Remembered
from asci_api.store import codec, keys
from asci_api.store.redis import Door, answering


@dataclass(frozen=True, slots=True)
class RedisIdempotency:
    """Satisfies ``Idempotency``."""

    door: Door

    def claim(self, username: Username, key: str, fingerprint: str, instance: InstanceId) -> Remembered | None:
        mine = Remembered(fingerprint, instance)
        stands: bytes | None = self.door.write(
            "idempotency_claim",
            [keys.idempotency(username, key)],
            [codec.encode(mine), keys.IDEMPOTENCY_SECONDS],
        )
        before = None if stands is None else codec.decode(Remembered, stands)
        # ours already: the claim was sent again after a connection broke
        return None if before == mine else before

    def release(self, username: Username, key: str) -> None:
        with answering():
            self.door.client.delete(keys.idempotency(username, key))
