"""Failed sign-ins, and who must wait.

- An account from one address: after 5 failures in a row 10 s, doubling with each further one up to 15 min. Forgotten
  with a success, or an hour after the last failure.
- An account from anywhere: after 20 failures (each at most 15 min after the one before) 10 s, doubling up to 1 min;
  not for addresses from which she signed in during the last 30 days, so that an attacker elsewhere does not shut
  her out.
- An address, whatever the account: 30 failures a minute.
"""

from __future__ import annotations

from dataclasses import dataclass

from asci_api.store import keys
from asci_api.store.redis import Door, answering

OF_AN_ADDRESS = 30
"""Failures that an address may have in a minute."""
KNOWN_SECONDS = 30 * 86400
KNOWN_ADDRESSES = 100


@dataclass(frozen=True, slots=True)
class RedisAttempts:
    """Satisfies ``Attempts``."""

    door: Door

    def blocked(self, username: str, address: str) -> int:
        wanted = [
            keys.attempts("pair-wait", username, address),
            keys.attempts("account-wait", username),
            keys.attempts("address", address),
            keys.attempts("known", username),
        ]
        milliseconds: int = self.door.run("attempt_blocked", wanted, [address, OF_AN_ADDRESS])
        return -(-milliseconds // 1000)

    def failed(self, username: str, address: str) -> None:
        wanted = [
            keys.attempts("pair", username, address),
            keys.attempts("pair-wait", username, address),
            keys.attempts("account", username),
            keys.attempts("account-wait", username),
            keys.attempts("address", address),
        ]
        self.door.run("attempt_failed", wanted, [])

    def succeeded(self, username: str, address: str) -> None:
        known = keys.attempts("known", username)
        with answering(), self.door.client.pipeline() as commands:
            commands.delete(keys.attempts("pair", username, address), keys.attempts("pair-wait", username, address))
            commands.sadd(known, address)
            commands.expire(known, KNOWN_SECONDS)
            commands.execute()
