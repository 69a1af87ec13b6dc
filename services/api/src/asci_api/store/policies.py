"""The policy in force."""

from __future__ import annotations

from dataclasses import dataclass

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
        """What admins set, else the defaults."""
        policy, sentinel = self.door.read(keys.POLICY, SENTINEL)
        if policy is not None:
            return codec.decode(Policy, policy)
        if sentinel is None:
            raise Restoring
        return Policy()

    def put(self, policy: Policy) -> None:
        """Set it for everybody."""
        self.door.write("policy_put", [keys.POLICY], [codec.encode(policy)])
