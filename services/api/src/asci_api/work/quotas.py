"""How much a person has, and may have."""

from __future__ import annotations

from collections.abc import Iterable

from asci_api.domain.errors import Conflict
from asci_api.domain.identity import Caller, Quota, Username
from asci_api.domain.instance import Instance
from asci_api.work.front_desk import FrontDesk


def usage_of(username: Username, instances: Iterable[Instance]) -> Quota:
    """What she owns of those that have not ended."""
    mine = [one for one in instances if one.owner == username and not one.ended]
    return Quota(sessions=len(mine), gpus=sum(one.needs.gpu.count for one in mine if one.needs.gpu))


def check_quota(desk: FrontDesk, caller: Caller, gpus: int) -> None:
    """Whether one more instance with ``gpus`` GPUs is within her quota. Raises ``Conflict`` (``quota-reached``)."""
    quota = desk.policies.get().quota
    usage = usage_of(caller.person.username, desk.instances.visible_to(caller.person.username))
    if usage.sessions + 1 > quota.sessions:
        raise _reached("sessions", f"You have {usage.sessions} of {quota.sessions} sessions.")
    if gpus and usage.gpus + gpus > quota.gpus:
        raise _reached("GPUs", f"It needs {gpus} more, and you hold {usage.gpus} of {quota.gpus} GPUs.")


def check_quota_again(desk: FrontDesk, stored: Instance) -> None:
    """Whether an instance that was just recorded is within its owner's quota together with those that were recorded
    meanwhile; the earlier ones stay. Raises ``Conflict`` (``quota-reached``).

    A start that was clicked before another and recorded after it, within milliseconds, may still pass beside it: a
    quota keeps people fair, and what a node can hold is the scheduler's to judge.
    """
    quota = desk.policies.get().quota
    mine = [one for one in desk.instances.visible_to(stored.owner) if _rank(one) <= _rank(stored)]
    usage = usage_of(stored.owner, mine)
    if usage.sessions > quota.sessions:
        raise _reached("sessions", f"You have {quota.sessions} of {quota.sessions} sessions.")
    if stored.needs.gpu and usage.gpus > quota.gpus:
        raise _reached("GPUs", f"You hold {quota.gpus} of {quota.gpus} GPUs.")


def _rank(instance: Instance) -> tuple[float, str]:
    return (instance.created_at, instance.id)


def _reached(what: str, detail: str) -> Conflict:
    return Conflict(
        f"You have as many {what} as you may have at once.",
        detail=detail,
        next_step="Stop one that you no longer need.",
        slug="quota-reached",
    )
