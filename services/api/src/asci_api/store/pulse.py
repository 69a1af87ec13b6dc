"""Whether Redis answers."""

from __future__ import annotations

import redis

from asci_api.domain.errors import Unavailable
from asci_api.store.redis import Door, answering, hurried

SECONDS = 0.4
"""For each of the steps of a ping: to connect, to sign in, to answer."""


class RedisPulse:
    """Satisfies ``Pulse``, on a connection of its own."""

    def __init__(self, door: Door) -> None:
        self._client: redis.Redis = hurried(door.client, SECONDS)

    def beats(self) -> bool:
        try:
            with answering():
                return bool(self._client.ping())
        except Unavailable:
            return False

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()
