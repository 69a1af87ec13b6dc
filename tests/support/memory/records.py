"""Durable facts in memory: instances, idempotency keys, sign-ins, audit, cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from statistics import median

from asci_api.domain.audit import EVERYTHING, AuditEntry, AuditFilter
from asci_api.domain.environment import Environment
from asci_api.domain.errors import Conflict, NotFound, Restoring
from asci_api.domain.identity import InstanceId, Username
from asci_api.domain.instance import Instance
from asci_api.domain.node import Node
from asci_api.domain.ports import Fence, Remembered, Seen
from asci_shared.redis_contract import Ring, TokenRecord
from tests.support.memory.state import State

SNAPSHOT_SECONDS = 15.0
DAY = 86400.0
ENDED_SECONDS = 600.0


@dataclass(slots=True)
class MemoryInstances:
    """Satisfies ``Instances``."""

    state: State
    rung: list[Ring]
    fence: Fence | None = None

    def get(self, instance: InstanceId) -> Instance | None:
        with self.state.open() as data:
            found: Instance | None = self.state.table("instances").get(instance)
            if found is None and data.sentinel is None:
                raise Restoring
            return found

    def all(self) -> list[Instance]:
        with self.state.open():
            self.state.standing()
            found = sorted(self.state.table("instances").values(), key=lambda one: (one.created_at, one.id))
            return [replace(one, log=()) for one in found]

    def visible_to(self, username: Username) -> list[Instance]:
        return [one for one in self.all() if username in one.audience()]

    def active(self) -> list[Instance]:
        return [one for one in self.all() if not one.ended]

    def add(self, instance: Instance) -> Instance:
        with self.state.write(self.fence):
            if instance.id in self.state.table("instances"):
                raise Conflict("This instance exists already.")
            return self._store(replace(instance, revision=1), instance)

    def change(self, instance: InstanceId, step: Callable[[Instance], Instance | None]) -> Instance:
        while True:
            before = self.get(instance)
            if before is None:
                raise NotFound("There is no such session.")
            after = step(before)
            with self.state.write(self.fence):
                if self.state.table("instances").get(instance) != before:
                    continue
                if after is None or replace(after, revision=before.revision) == before:
                    return before
                return self._store(replace(after, revision=before.revision + 1), before)

    def forget(self, instance: InstanceId) -> None:
        with self.state.write(self.fence):
            found: Instance | None = self.state.table("instances").get(instance)
            if found is None:
                return
            if not found.ended:
                raise Conflict("This session has not ended.")
            del self.state.table("instances")[instance]
            self._ring(found.id, found.revision + 1, found.audience())

    def _store(self, after: Instance, before: Instance) -> Instance:
        self.state.table("instances")[after.id] = after
        self._ring(after.id, after.revision, (*after.audience(), *before.audience()))
        if self.fence is None:
            self.state.wake(after.id)
        return after

    def _ring(self, instance: str, revision: int, audience: Iterable[str]) -> None:
        self.rung.append(Ring("instance", instance, revision, tuple(dict.fromkeys(audience))))


@dataclass(slots=True)
class MemoryIdempotency:
    """Satisfies ``Idempotency``."""

    state: State

    def claim(self, username: Username, key: str, fingerprint: str, instance: InstanceId) -> Remembered | None:
        with self.state.write(None):
            found: Remembered | None = self.state.kept("idempotency", (username, key))
            if found is None:
                self.state.keep("idempotency", (username, key), Remembered(fingerprint, instance), DAY)
            return None if found == Remembered(fingerprint, instance) else found

    def release(self, username: Username, key: str) -> None:
        with self.state.open():
            self.state.dropped("idempotency", (username, key))


@dataclass(slots=True)
class MemoryTokens:
    """Satisfies ``Tokens``."""

    state: State
    fence: Fence | None = None

    def add(self, token_hash: str, record: TokenRecord) -> None:
        with self.state.write(self.fence):
            self.state.keep("tokens", token_hash, record, self._life(record))

    def use(self, token_hash: str) -> TokenRecord | None:
        with self.state.open() as data:
            record: TokenRecord | None = self.state.kept("tokens", token_hash)
            if record is None or record.expires_at <= self.state.clock.now:
                if data.sentinel is None:
                    raise Restoring
                return None
            self.state.keep("tokens", token_hash, record, self._life(record))
            return record

    def drop(self, token_hash: str) -> None:
        with self.state.write(self.fence):
            if self.state.kept("tokens", token_hash):
                self.state.keep("token-ended", token_hash, True, ENDED_SECONDS)
            self.state.dropped("tokens", token_hash)

    def of(self, username: Username) -> list[str]:
        with self.state.open():
            held = self.state.standing().expiring.get("tokens", {})
            mine = [(one[0].created_at, key) for key, one in held.items() if one[0].username == username]
            return [key for _, key in sorted(mine) if self.state.kept("tokens", key)]

    def seen(self, usernames: Sequence[Username]) -> dict[Username, Seen]:
        return {username: self._seen(username) for username in usernames}

    def _seen(self, username: Username) -> Seen:
        with self.state.open():
            used = [self._used(key) for key in self.of(username)]
            return Seen(len(used), max(used, default=None))

    def _used(self, token_hash: str) -> float:
        record, left = self.state.kept("tokens", token_hash), self.state.left("tokens", token_hash)
        assert record is not None
        return float(max(record.created_at, self.state.clock.now + left - record.idle_seconds))

    def standing(self) -> dict[str, TokenRecord]:
        with self.state.open():
            held = self.state.standing().expiring.get("tokens", {})
            return {key: record for key in sorted(held) if (record := self.state.kept("tokens", key)) is not None}

    def _life(self, record: TokenRecord) -> float:
        return min(float(record.idle_seconds), record.expires_at - self.state.clock.now)


@dataclass(slots=True)
class MemoryAudit:
    """Satisfies ``Audit``."""

    state: State
    fence: Fence | None = None

    @property
    def entries(self) -> list[AuditEntry]:
        """All of them, oldest first."""
        return list(self.state.rows("audit"))

    def record(self, entry: AuditEntry, *, once_per: int = 0) -> None:
        with self.state.write(self.fence):
            if once_per:
                key = (entry.who, entry.what, entry.target, entry.outcome)
                if self.state.kept("audit-once", key):
                    return
                self.state.keep("audit-once", key, True, once_per)
            self.state.rows("audit").append(entry)

    def find(self, wanted: AuditFilter = EVERYTHING, *, after: str = "", limit: int = 100) -> list[AuditEntry]:
        return list(islice(self._matching(wanted, after), limit))

    def each(self, wanted: AuditFilter = EVERYTHING) -> Iterator[AuditEntry]:
        return self._matching(wanted, "")

    def _matching(self, wanted: AuditFilter, after: str) -> Iterator[AuditEntry]:
        with self.state.open():
            self.state.standing()
            numbered = list(enumerate(self.entries, 1))
        older = int(after.partition("-")[0]) if after else len(numbered) + 1
        for number, entry in reversed(numbered[: older - 1]):
            if wanted.match(entry):
                yield replace(entry, id=f"{number}-0")


@dataclass(slots=True)
class MemoryCluster:
    """Satisfies ``Cluster``."""

    state: State
    rung: list[Ring] = field(default_factory=list)
    fence: Fence | None = None

    def nodes(self) -> list[Node] | None:
        with self.state.open():
            found: list[Node] | None = self.state.kept("cluster", "nodes")
            return None if found is None else list(found)

    def put_nodes(self, nodes: Sequence[Node]) -> None:
        with self.state.write(self.fence):
            self.state.keep("cluster", "nodes", list(nodes), SNAPSHOT_SECONDS)

    def environments(self) -> list[Environment] | None:
        with self.state.open():
            found: list[Environment] | None = self.state.table("cluster").get("environments")
            return None if found is None else list(found)

    def put_environments(self, environments: Sequence[Environment]) -> None:
        with self.state.write(self.fence):
            wanted = list(environments)
            if self.state.table("cluster").get("environments") != wanted:
                self.state.table("cluster")["environments"] = wanted
                self.rung.append(Ring("catalogue"))

    def record_start(self, environment: str, seconds: float) -> None:
        with self.state.write(self.fence):
            starts = self.state.rows(f"starts:{environment}")
            starts.append(seconds)
            del starts[:-50]

    def usual_seconds(self, environments: Iterable[str]) -> dict[str, float]:
        with self.state.open():
            starts = {name: self.state.rows(f"starts:{name}") for name in environments}
            return {name: float(median(seconds)) for name, seconds in starts.items() if seconds}

    def leader(self) -> str | None:
        with self.state.open() as data:
            term = data.term
            return None if term is None or term.until <= self.state.clock.now else term.holder

    def copies(self) -> dict[str, float]:
        with self.state.open() as data:
            held = data.expiring.get("copies", {})
            return {name: at for name in held if (at := self.state.kept("copies", name)) is not None}
