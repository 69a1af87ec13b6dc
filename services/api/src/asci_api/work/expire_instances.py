"""End what ran out of its time."""

from __future__ import annotations

from collections.abc import Iterable

from asci_api.domain.instance import Instance
from asci_api.work.desk import Desk
from asci_api.work.end_instance import ask_to_end

TIME_RAN_OUT = "Its time ran out."
GRACE = 1800.0
"""Seconds that everybody has, after a time in which ASCI was away or its clock jumped, to see the end coming and to
extend: as long as the last warning."""


def expire_instances(desk: Desk, active: Iterable[Instance], steady_since: float) -> list[Instance]:
    """Ask for the end of every instance whose time ran out. Returns those asked now.

    ``steady_since`` is the Unix time since which records, clock and controller were there without a break: an instance
    that is older ends no sooner than :data:`GRACE` after it.
    """
    now = desk.clock()

    def due(record: Instance) -> bool:
        return _ends_at(record, steady_since) <= now

    asked = []
    for record in [record for record in active if due(record) and record.stop is None and not record.ended]:
        # it may have been extended since the list was read
        stored = ask_to_end(desk, record, TIME_RAN_OUT, still=due)
        if stored.stop is not None:
            asked.append(stored)
    return asked


def _ends_at(record: Instance, steady_since: float) -> float:
    if record.created_at >= steady_since:
        return record.expires_at
    return max(record.expires_at, steady_since + GRACE)
