"""Who is connected, from the leases that the proxies write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from asci_api.domain.identity import InstanceId
from asci_api.store import codec
from asci_api.store.redis import Door
from asci_shared.redis_contract import Lease, lease_key, presence_key

CHUNK = 1000
"""Instances looked up by one script, some 2 ms of Redis' time."""


@dataclass(frozen=True, slots=True)
class RedisPresence:
    """Satisfies ``Presence``."""

    door: Door

    def of(self, instances: Iterable[InstanceId]) -> dict[InstanceId, list[Lease]]:
        answer: dict[InstanceId, list[Lease]] = {instance: [] for instance in instances}
        wanted = list(answer)
        for first in range(0, len(wanted), CHUNK):
            for lease in self._leases(wanted[first : first + CHUNK]):
                if lease.instance in answer:
                    answer[InstanceId(lease.instance)].append(lease)
        for leases in answer.values():
            leases.sort(key=lambda lease: (lease.since, lease.connection))
        return answer

    def _leases(self, instances: Sequence[InstanceId]) -> list[Lease]:
        found = self.door.run("presence", [presence_key(instance) for instance in instances], [lease_key("")])
        return [codec.decode(Lease, lease) for lease in found]
