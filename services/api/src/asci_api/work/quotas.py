"""How much a person has, and may have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from asci_api.domain.errors import Conflict
from asci_api.domain.identity import Caller, Quota, Username
from asci_api.domain.instance import Instance
from asci_api.domain.policy import quota_of
from asci_api.work.front_desk import FrontDesk


@dataclass(frozen=True, slots=True)
class Usage:
    """How much she has."""

    sessions: int = 0
    gpus: int = 0


def usage_of(username: Username, instances: Iterable[Instance]) -> Usage:
    """What she owns of those that have not ended."""
    return usage_by_owner(one for one in instances if one.owner == username).get(username, Usage())


def usage_by_owner(instances: Iterable[Instance]) -> dict[Username, Usage]:
    """What everybody owns of those that have not ended."""
    held: dict[Username, Usage] = defaultdict(Usage)
    for one in instances:
        if not one.ended:
            before = held[one.owner]
            held[one.owner] = Usage(before.sessions + 1, before.gpus + (one.needs.gpu.count if one.needs.gpu else 0))
    return held


def check_quota(desk: FrontDesk, caller: Caller, gpus: int) -> None:
    """Whether one more instance with ``gpus`` GPUs is within her quota. Raises ``Conflict`` (``quota-reached``)."""
    quota = _quota(desk, caller)
    usage = usage_of(caller.person.username, desk.instances.visible_to(caller.person.username))
    if _beyond(usage.sessions + 1, quota.sessions):
        raise _reached("sessions", f"You have {usage.sessions} of {quota.sessions} sessions.")
    if gpus and _beyond(usage.gpus + gpus, quota.gpus):
        raise _reached("GPUs", f"It needs {gpus} more, and you hold {usage.gpus} of {quota.gpus} GPUs.")


def check_quota_again(desk: FrontDesk, caller: Caller, stored: Instance) -> None:
    """Whether an instance that was just recorded is within its owner's quota together with those that were recorded
    meanwhile; the earlier ones stay. Raises ``Conflict`` (``quota-reached``).

    A start that was clicked before another and recorded after it, within milliseconds, may still pass beside it: a
    quota keeps people fair, and what a node can hold is the scheduler's to judge.
    """
    quota = _quota(desk, caller)
    mine = [one for one in desk.instances.visible_to(stored.owner) if _rank(one) <= _rank(stored)]
    usage = usage_of(stored.owner, mine)
    if _beyond(usage.sessions, quota.sessions):
        raise _reached("sessions", f"You have {quota.sessions} of {quota.sessions} sessions.")
    if stored.needs.gpu and _beyond(usage.gpus, quota.gpus):
        raise _reached("GPUs", f"You hold {quota.gpus} of {quota.gpus} GPUs.")


def _quota(desk: FrontDesk, caller: Caller) -> Quota:
    return quota_of(desk.policies.get(), caller.person).quota


def _beyond(wanted: int, limit: int | None) -> bool:
    return limit is not None and wanted > limit


def _rank(instance: Instance) -> tuple[float, str]:
    return (instance.created_at, instance.id)


def _reached(what: str, detail: str) -> Conflict:
    return Conflict(
        f"You have as many {what} as you may have at once.",
        detail=detail,
        next_step="Stop one that you no longer need.",
        slug="quota-reached",
    )
