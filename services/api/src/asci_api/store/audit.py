"""The book of deeds: a stream, read backwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from asci_api.domain.ports import AuditEntry
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

    def find(
        self, *, who: str = "", what: str = "", target: str = "", before: float | None = None, limit: int = 100
    ) -> list[AuditEntry]:
        asked = {name: value for name, value in (("who", who), ("what", what), ("target", target)) if value}
        found = (
            entry
            for entry in self._backwards(before, [f'"{name}":{codec.dump(value)}' for name, value in asked.items()])
            if all(getattr(entry, name) == value for name, value in asked.items())
            and (before is None or entry.at < before)
        )
        return list(islice(found, limit))

    def _backwards(self, before: float | None, texts: list[str]) -> Iterator[AuditEntry]:
        """Entries that contain the texts, newest first, from shortly after ``before``. Raises ``Restoring``."""
        begin = "+" if before is None else f"{max(0, int((before + SLACK) * 1000))}-0"
        stretch = FIRST_STRETCH
        while True:
            last, *entries = self.door.run("audit_find", [SENTINEL, keys.AUDIT], [begin, stretch, *texts])
            for entry in entries:
                yield codec.decode(AuditEntry, entry)
            if not last:
                return
            begin, stretch = f"({last.decode()}", STRETCH
