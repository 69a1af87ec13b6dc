"""The policy in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from asci_api.domain.errors import Restoring
from asci_api.domain.policy import Policy
from asci_api.store import codec, keys
from asci_api.store.redis import Door
from asci_shared.redis_contract import SENTINEL


@dataclass(frozen=True, slots=True)
class RedisPolicies:
    """Satisfies ``Policies``."""

    door: Door

    def get(self) -> Policy:
        return self._read()[0]

    def change(self, step: Callable[[Policy], Policy]) -> Policy:
        while True:
            before, standing = self._read()
            after = replace(step(before), revision=before.revision)
            if after == before:
                return before
            after = replace(after, revision=before.revision + 1)
            if self._put(standing, codec.encode(after)):
                return after

    def _read(self) -> tuple[Policy, bytes]:
        """The policy, and the document that stands (empty where none does)."""
        policy, sentinel = self.door.read(keys.POLICY, SENTINEL)
        if policy is not None:
            return codec.decode(Policy, policy), policy
        if sentinel is None:
            raise Restoring
        return Policy(), b""

    def _put(self, before: bytes, after: str) -> bool:
        """Whether ``after`` stands now: also where a write was sent twice after a connection broke."""
        if self.door.write("policy_put", [keys.POLICY], [before, after]) == 1:
            return True
        return self.door.read(keys.POLICY) == [after.encode()]
