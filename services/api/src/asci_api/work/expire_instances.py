"""End what ran out of its time; each such end is in the audit."""

from __future__ import annotations

from collections.abc import Iterable

from asci_api.domain.instance import Instance
from asci_api.domain.ports import AuditEntry
from asci_api.work.desk import Desk
from asci_api.work.end_instance import ask_to_end

TIME_RAN_OUT = "Its time ran out."


def expire_instances(desk: Desk, active: Iterable[Instance]) -> list[Instance]:
    """Ask for the end of every instance whose ``expires_at`` passed. Returns those asked now."""
    now = desk.clock()
    due = [record for record in active if record.expires_at <= now and record.stop is None and not record.ended]
    ended = []
    for record in due:
        # it may have been extended since the list was read
        stored = ask_to_end(desk, record, TIME_RAN_OUT, still=lambda record: record.expires_at <= now)
        if stored.stop is not None and stored.stop.reason == TIME_RAN_OUT:
            ended.append(stored)
            desk.audit.record(
                AuditEntry(
                    at=now,
                    who="asci",
                    what="instance.expire",
                    target=record.id,
                    address="",
                    outcome="ok",
                    request_id=record.request_id,
                    facts={"owner": record.owner},
                )
            )
    return ended
