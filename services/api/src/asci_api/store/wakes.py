"""The controller's subscription to wakes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from redis.client import PubSub

from asci_api.domain.errors import Unavailable
from asci_api.store.redis import Door, answering
from asci_shared.redis_contract import CHANNEL_WAKE

PAUSE = 1.0
"""Seconds between two tries to subscribe."""


@dataclass(slots=True)
class RedisWakes:
    """Satisfies ``Wakes``. One thread waits; it hears what came since it first waited."""

    door: Door
    _heard: PubSub | None = field(default=None)

    def wake(self, payload: str = "") -> None:
        with answering():
            self.door.client.publish(CHANNEL_WAKE, payload)

    def wait(self, seconds: float) -> list[str]:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                came = self._hear(left)
            except Unavailable:
                self._leave()
                time.sleep(max(0.0, min(PAUSE, end - time.monotonic())))
            else:
                if came:
                    return came
        return []

    def close(self) -> None:
        """Give the connection back."""
        self._leave()

    def _hear(self, seconds: float) -> list[str]:
        """What comes within ``seconds``, and at once whatever stands behind it."""
        with answering():
            if self._heard is None:
                heard = self.door.client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
                heard.subscribe(CHANNEL_WAKE)
                self._heard = heard
            came = [_payload(self._heard, seconds)]
            while came[-1] is not None:
                came.append(_payload(self._heard, 0.0))
        return [payload for payload in came if payload is not None]

    def _leave(self) -> None:
        if self._heard is not None:
            self._heard.close()
            self._heard = None


def _payload(heard: PubSub, seconds: float) -> str | None:
    message = heard.get_message(timeout=seconds)
    return message["data"].decode() if message is not None else None
