"""Whether Redis answers."""

from __future__ import annotations

from dataclasses import dataclass

from asci_api.domain.errors import Unavailable
from asci_api.store.redis import Door, answering


@dataclass(frozen=True, slots=True)
class RedisPulse:
    """Satisfies ``Pulse``. ``door`` should be made with an answer time of 1 s."""

    door: Door

    def beats(self) -> bool:
        try:
            with answering():
                return bool(self.door.client.ping())
        except Unavailable:
            return False
