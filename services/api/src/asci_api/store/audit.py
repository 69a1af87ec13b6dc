"""The book of deeds: a stream, read backwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from asci_api.domain.errors import Restoring
from asci_api.domain.ports import AuditEntry
from asci_api.store import codec, keys
from asci_api.store.redis import Door, answering
from asci_shared.redis_contract import SENTINEL

CHUNK = 500
SLACK = 60.0
"""Seconds by which a writer's clock may be behind Redis'."""


@dataclass(frozen=True, slots=True)
class RedisAudit:
    """Satisfies ``Audit``."""

    door: Door

    def record(self, entry: AuditEntry) -> None:
        self.door.write("audit_record", [keys.AUDIT], [codec.encode(entry), keys.AUDIT_LENGTH])

    def find(
        self, *, who: str = "", what: str = "", target: str = "", before: float | None = None, limit: int = 100
    ) -> list[AuditEntry]:
        wanted = (
            entry
            for entry in self._backwards(before)
            if (not who or entry.who == who)
            and (not what or entry.what == what)
            and (not target or entry.target == target)
            and (before is None or entry.at < before)
        )
        return list(islice(wanted, limit))

    def _backwards(self, before: float | None) -> Iterator[AuditEntry]:
        """All entries, newest first, from shortly after ``before``. Raises ``Restoring``."""
        last = "+" if before is None else f"{max(0, int((before + SLACK) * 1000))}-0"
        while True:
            lines = self._chunk(last)
            for _, fields in lines:
                yield codec.decode(AuditEntry, fields[b"entry"])
            if len(lines) < CHUNK:
                return
            last = "(" + lines[-1][0].decode()

    def _chunk(self, last: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        with answering(), self.door.client.pipeline(transaction=False) as commands:
            commands.exists(SENTINEL)
            commands.xrevrange(keys.AUDIT, last, "-", count=CHUNK)
            answers: list[Any] = commands.execute()
        if not answers[0]:
            raise Restoring
        lines: list[tuple[bytes, dict[bytes, bytes]]] = answers[1]
        return lines
