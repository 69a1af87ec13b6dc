"""End what ran out of its time."""

from __future__ import annotations

from collections.abc import Iterable

from asci_api.domain.instance import Instance
from asci_api.work.desk import Desk
from asci_api.work.end_instance import ask_to_end

TIME_RAN_OUT = "Its time ran out."
DRAIN_GRACE = 60.0
"""The same for the deadline of a node that is being emptied, which was told long before."""
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
        stored = ask_to_end(desk, record, _reason(record, now), still=due)
        if stored.stop is not None:
            asked.append(stored)
    return asked


def _ends_at(record: Instance, steady_since: float) -> float:
    deadline = record.drain.deadline if record.drain else None
    if record.created_at >= steady_since:
        return record.ends_at
    own = max(record.expires_at, steady_since + GRACE)
    return own if deadline is None else min(own, max(deadline, steady_since + DRAIN_GRACE))


def _reason(record: Instance, now: float) -> str:
    drain = record.drain
    if drain is None or drain.deadline is None or drain.deadline > now or record.expires_at < drain.deadline:
        return TIME_RAN_OUT
    return f"Node {drain.node} was emptied: {drain.reason}" if drain.reason else f"Node {drain.node} was emptied."
