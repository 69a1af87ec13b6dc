"""The store's doors twice, on a real Redis and in memory, with one way to look at them and to pass time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import redis

from asci_api.domain.ports import (
    Attempts,
    Audit,
    Cluster,
    DurableCopy,
    Fence,
    Idempotency,
    Instances,
    Leadership,
    Overlays,
    Policies,
    Presence,
    Pulse,
    Registrations,
    Revocations,
    Rings,
    Stats,
    Switches,
    Tickets,
    Tokens,
    Wakes,
)
from asci_api.store.durable import RedisDurableCopy
from asci_api.store.facts import Facts
from asci_api.store.leader import RedisLeadership
from asci_api.store.redis import connect
from asci_api.store.stores import RedisStore
from asci_shared.redis_contract import (
    CHANNEL_REVOKED,
    CHANNEL_RING,
    LEASE_SECONDS,
    Lease,
    Revocation,
    Ring,
    Ticket,
    lease_key,
    presence_key,
    ticket_key,
)
from tests.support.memory import MemoryStore
from tests.support.redis_server import RedisServer
from tests.support.redis_users import password


class Stores(Protocol):
    """What ``RedisStore`` and ``MemoryStore`` have in common."""

    @property
    def instances(self) -> Instances: ...
    @property
    def idempotency(self) -> Idempotency: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def attempts(self) -> Attempts: ...
    @property
    def tickets(self) -> Tickets: ...
    @property
    def presence(self) -> Presence: ...
    @property
    def revocations(self) -> Revocations: ...
    @property
    def rings(self) -> Rings: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def cluster(self) -> Cluster: ...
    @property
    def policies(self) -> Policies: ...
    @property
    def registrations(self) -> Registrations: ...
    @property
    def overlays(self) -> Overlays: ...
    @property
    def switches(self) -> Switches: ...
    @property
    def stats(self) -> Stats: ...
    @property
    def wakes(self) -> Wakes: ...
    @property
    def pulse(self) -> Pulse: ...


class StoreRoom(Protocol):
    """A store with whole records, and a test's way around it."""

    @property
    def store(self) -> Stores: ...
    @property
    def durable(self) -> DurableCopy: ...
    def fenced(self, fence: Fence) -> Stores: ...
    def leadership(self, name: str = "first") -> Leadership:
        """One controller's; the same for the same name."""

    def now(self) -> float: ...
    def pass_time(self, seconds: float) -> None:
        """Let expiries come nearer."""

    def lose(self) -> None:
        """FLUSHALL."""

    def away(self) -> None:
        """The store stops answering."""

    def take(self, connection: str) -> Ticket | None:
        """As the proxy takes a ticket."""

    def beat(self, lease: Lease) -> None:
        """As the proxy writes a lease."""

    def rung(self) -> list[Ring]:
        """Rings since the last look."""

    def revoked(self) -> list[Revocation]:
        """Revocations pushed since the last look."""


class MemoryRoom:
    """Satisfies ``StoreRoom`` in memory."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.durable = self.store.durable

    def fenced(self, fence: Fence) -> MemoryStore:
        return self.store.fenced(fence)

    def leadership(self, name: str = "first") -> Leadership:
        return self.store.leader(name)

    def now(self) -> float:
        return self.store.clock.now

    def pass_time(self, seconds: float) -> None:
        self.store.clock.advance(seconds)

    def lose(self) -> None:
        self.store.lose()

    def away(self) -> None:
        self.store.state.down = True

    def take(self, connection: str) -> Ticket | None:
        return self.store.tickets.take(connection)

    def beat(self, lease: Lease) -> None:
        self.store.presence.put(lease)

    def rung(self) -> list[Ring]:
        came = list(self.store.rings.rung)
        self.store.rings.rung.clear()
        return came

    def revoked(self) -> list[Revocation]:
        came = list(self.store.revocations.made)
        self.store.revocations.made.clear()
        return came


class RedisRoom:
    """Satisfies ``StoreRoom`` on a server of the test's own, whose data it wipes first.

    Everything that ASCI does is done as the Redis user that does it in an installation, with that user's rights;
    ``client`` is the operator, for what a test sees and breaks.
    """

    def __init__(self, server: RedisServer, folder: Path, *, whole: bool = True) -> None:
        self.server = server
        self.client = self.connected("operator")
        self.client.flushall()
        self.store = RedisStore(self.connected("api"))
        self.controller = RedisStore(self.connected("controller"))
        self.facts = Facts(folder, "controller")
        self.durable = RedisDurableCopy(self.controller.door, self.facts)
        self._leaders: dict[str, RedisLeadership] = {}
        if whole:
            self._make_whole()
        self._heard = self.client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._heard.subscribe(CHANNEL_RING, CHANNEL_REVOKED)
        self._heard.get_message(timeout=1.0)
        self._heard.get_message(timeout=1.0)
        self._rung: list[Ring] = []
        self._revoked: list[Revocation] = []

    def close(self) -> None:
        self.store.wakes.close()
        self.store.pulse.close()
        self._heard.close()
        for client in (self.client, self.store.door.client, self.controller.door.client):
            client.close()
        self.facts.close()

    def connected(self, user: str) -> redis.Redis:
        """A client of its own as one of the installation's users."""
        return connect(self.url(user))

    def url(self, user: str) -> str:
        return self.server.url_of(user, password(user))

    def _make_whole(self) -> None:
        """As the first leader of a new installation does."""
        fence = self.leadership("installer").acquire()
        assert fence is not None
        self.leadership("installer").raise_sentinel(fence)
        self.leadership("installer").release(fence)

    def fenced(self, fence: Fence) -> RedisStore:
        return self.controller.fenced(fence)

    def leadership(self, name: str = "first") -> Leadership:
        made = RedisLeadership(self.controller.door, name, lambda: self.facts.last_epoch)
        return self._leaders.setdefault(name, made)

    def now(self) -> float:
        seconds, micros = self.client.time()
        return float(seconds) + float(micros) / 1e6

    def pass_time(self, seconds: float) -> None:
        for key in self.client.scan_iter("*"):
            left = self.client.pttl(key)
            if left > 0:
                self.client.pexpire(key, max(1, left - int(seconds * 1000)))
        time.sleep(0.01)

    def lose(self) -> None:
        self.client.flushall()

    def away(self) -> None:
        self.server.stop()

    def take(self, connection: str) -> Ticket | None:
        found = self.client.getdel(ticket_key(connection))
        return None if found is None else Ticket.from_json(found)

    def beat(self, lease: Lease) -> None:
        self.client.set(lease_key(lease.connection), lease.to_json(), ex=LEASE_SECONDS)
        self.client.zadd(presence_key(lease.instance), {lease.connection: self.now() + LEASE_SECONDS})

    def rung(self) -> list[Ring]:
        self._hear()
        came, self._rung = self._rung, []
        return came

    def revoked(self) -> list[Revocation]:
        self._hear()
        came, self._revoked = self._revoked, []
        return came

    def _hear(self) -> None:
        while (message := self._heard.get_message(timeout=0.05)) is not None:
            if message["channel"].decode() == CHANNEL_RING:
                self._rung.append(Ring.from_json(message["data"]))
            else:
                self._revoked.append(Revocation.from_json(message["data"]))


@contextmanager
def redis_room(server: RedisServer, *, whole: bool = True) -> Iterator[RedisRoom]:
    """A room on the server, closed afterwards; starts the server again where a test stopped it."""
    if not server.runs:
        server.start()
    with tempfile.TemporaryDirectory(prefix="asci-state-") as folder:
        room = RedisRoom(server, Path(folder), whole=whole)
        try:
            yield room
        finally:
            room.close()
