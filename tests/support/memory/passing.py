"""What Redis may lose, in memory: attempts, tickets, presence, revocations, rings, wakes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from math import ceil

from asci_api.domain.errors import Changed
from asci_api.domain.identity import InstanceId
from asci_api.domain.ports import Fence
from asci_shared.redis_contract import (
    LEASE_SECONDS,
    TICKET_SECONDS,
    Lease,
    Mode,
    Revocation,
    RevocationKind,
    Ring,
    Ticket,
)
from tests.support.memory.state import State


@dataclass(slots=True)
class MemoryAttempts:
    """Satisfies ``Attempts``."""

    state: State

    def blocked(self, username: str, address: str) -> int:
        with self.state.open():
            waits = [self.state.left("pair-wait", (username, address))]
            if address not in (self.state.kept("known", username) or set()):
                waits.append(self.state.left("account-wait", username))
            if (self.state.kept("address", address) or 0) >= 30:
                waits.append(self.state.left("address", address))
            return ceil(max(waits))

    def failed(self, username: str, address: str) -> None:
        with self.state.open():
            self._count("pair", (username, address), 3600, least=5, most=900)
            self._count("account", username, 900, least=20, most=60)
            seen = self.state.kept("address", address) or 0
            self.state.keep("address", address, seen + 1, self.state.left("address", address) or 60)

    def succeeded(self, username: str, address: str) -> None:
        with self.state.open():
            self.state.dropped("pair", (username, address))
            self.state.dropped("pair-wait", (username, address))
            known = (self.state.kept("known", username) or set()) | {address}
            self.state.keep("known", username, known, 30 * 86400)

    def _count(self, name: str, key: object, seconds: float, *, least: int, most: float) -> None:
        failures = (self.state.kept(name, key) or 0) + 1
        self.state.keep(name, key, failures, seconds)
        if failures >= least:
            self.state.keep(f"{name}-wait", key, True, min(most, 10.0 * 2 ** min(failures - least, 20)))


@dataclass(slots=True)
class MemoryTickets:
    """Satisfies ``Tickets``. ``issued`` holds every ticket ever made."""

    state: State
    issued: list[Ticket] = field(default_factory=list)

    def issue(self, ticket: Ticket, revision: int | None = None) -> Ticket:
        with self.state.open():
            found = self.state.table("instances").get(ticket.instance)
            if revision is not None and (found is None or found.revision != revision):
                raise Changed("The session changed meanwhile.")
            stored = replace(ticket, issued_at=self.state.clock.now)
            self.state.keep("tickets", ticket.connection, stored, TICKET_SECONDS)
            self.issued.append(stored)
            return stored

    def take(self, connection: str) -> Ticket | None:
        """What the proxy does with it."""
        with self.state.open():
            found: Ticket | None = self.state.kept("tickets", connection)
            self.state.dropped("tickets", connection)
            return found


@dataclass(slots=True)
class MemoryPresence:
    """Satisfies ``Presence``."""

    state: State

    def put(self, lease: Lease) -> None:
        """What the proxy does at each beat."""
        with self.state.open():
            self.state.keep("leases", lease.connection, lease, LEASE_SECONDS)

    def end(self, connection: str) -> None:
        """What the proxy does when a connection ends."""
        with self.state.open():
            self.state.dropped("leases", connection)

    def of(self, instances: Iterable[InstanceId]) -> dict[InstanceId, list[Lease]]:
        with self.state.open() as data:
            answer: dict[InstanceId, list[Lease]] = {instance: [] for instance in instances}
            kept = (self.state.kept("leases", key) for key in data.expiring.get("leases", {}))
            for lease in sorted((one for one in kept if one), key=lambda one: (one.since, one.connection)):
                if lease.instance in answer:
                    answer[InstanceId(lease.instance)].append(lease)
            return answer


@dataclass(slots=True)
class MemoryRevocations:
    """Satisfies ``Revocations``. ``made`` holds every revocation ever made."""

    state: State
    fence: Fence | None = None
    made: list[Revocation] = field(default_factory=list)
    _ids: count[int] = field(default_factory=lambda: count(1))

    def revoke(
        self,
        kind: RevocationKind,
        *,
        code: int,
        reason: str,
        instance: str = "",
        username: str = "",
        connection: str = "",
        token: str = "",
        modes: Sequence[Mode] = (Mode.CONTROL, Mode.VIEW),
        generation: int = 0,
    ) -> Revocation:
        with self.state.open() if self.fence is None else self.state.write(self.fence):
            revocation = Revocation(
                id=str(next(self._ids)),
                kind=str(kind),
                at=self.state.clock.now,
                code=int(code),
                reason=reason,
                instance=instance,
                username=username,
                connection=connection,
                token=token,
                modes=tuple(str(mode) for mode in modes),
                generation=generation,
            )
            self.made.append(revocation)
            return revocation

    def ended(self, token: str) -> bool:
        with self.state.open():
            return bool(self.state.kept("token-ended", token))


@dataclass(slots=True)
class MemoryRings:
    """Satisfies ``Rings``. ``rung`` holds every ring, also those of instances and catalogue."""

    state: State
    rung: list[Ring] = field(default_factory=list)

    def ring(self, ring: Ring) -> None:
        with self.state.open():
            self.rung.append(ring)


@dataclass(slots=True)
class MemoryWakes:
    """Satisfies ``Wakes``; it waits in real time, so give it few seconds."""

    state: State
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state.hearers.append(self.heard)

    def wake(self, payload: str = "") -> None:
        self.state.wake(payload)

    def wait(self, seconds: float) -> list[str]:
        end = time.monotonic() + seconds
        with self.state.lock:
            while not self.heard and (left := end - time.monotonic()) > 0:
                self.state.came.wait(left)
            came = list(self.heard)
            self.heard.clear()
            return came


@dataclass(slots=True)
class MemoryPulse:
    """Satisfies ``Pulse``."""

    state: State

    def beats(self) -> bool:
        return not self.state.down
