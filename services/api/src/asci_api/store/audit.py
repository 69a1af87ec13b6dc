"""The book of deeds: a stream, read backwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from asci_api.domain.audit import EVERYTHING, AuditEntry, AuditFilter
from asci_api.store import codec, keys
from asci_api.store.redis import Door
from asci_shared.redis_contract import SENTINEL

FIRST_STRETCH = 200
STRETCH = 2000
"""Lines that Redis looks at in one go, some 2 ms of its time."""
SLACK = 60.0
"""Seconds by which a writer's clock may be behind Redis'."""


@dataclass(frozen=True, slots=True)
class RedisAudit:
    """Satisfies ``Audit``."""

    door: Door

    def record(self, entry: AuditEntry, *, once_per: int = 0) -> None:
        once = [keys.audit_once(entry.who, entry.what, entry.target, entry.outcome)] if once_per else []
        self.door.write("audit_record", [keys.AUDIT, *once], [codec.encode(entry), keys.AUDIT_LENGTH, once_per])

    def find(self, wanted: AuditFilter = EVERYTHING, *, after: str = "", limit: int = 100) -> list[AuditEntry]:
        return list(islice(self._matching(wanted, after), limit))

    def each(self, wanted: AuditFilter = EVERYTHING) -> Iterator[AuditEntry]:
        return self._matching(wanted, "")

    def _matching(self, wanted: AuditFilter, after: str) -> Iterator[AuditEntry]:
        begin = f"({after}" if after else "+" if wanted.until is None else _line(wanted.until + SLACK)
        end = "-" if wanted.since is None else _line(wanted.since - SLACK)
        return filter(wanted.match, self._backwards(begin, end, _texts(wanted)))

    def _backwards(self, begin: str, end: str, texts: list[str]) -> Iterator[AuditEntry]:
        """Entries that contain the texts, newest first. Raises ``Restoring``."""
        stretch = FIRST_STRETCH
        while True:
            last, *found = self.door.run("audit_find", [SENTINEL, keys.AUDIT], [begin, end, stretch, *texts])
            for at in range(0, len(found), 2):
                yield replace(codec.decode(AuditEntry, found[at + 1]), id=found[at].decode())
            if not last:
                return
            begin, stretch = f"({last.decode()}", STRETCH


def _line(at: float) -> str:
    """The id of a line that was written then."""
    return str(max(0, int(at * 1000)))


def _texts(wanted: AuditFilter) -> list[str]:
    """What the JSON of every entry that matches contains."""
    exact = {"who": wanted.who, "target": wanted.target or wanted.instance, "outcome": wanted.outcome}
    found = [f'"{name}":{codec.dump(value)}' for name, value in exact.items() if value]
    return [*found, f'"what":{codec.dump(wanted.what.rstrip("."))[:-1]}'] if wanted.what else found
