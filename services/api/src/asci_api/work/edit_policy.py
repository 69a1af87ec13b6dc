"""Set the policy for everybody; it counts from the next round of the controller on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from asci_api.domain.errors import Stale
from asci_api.domain.identity import Caller
from asci_api.domain.policy import Policy
from asci_api.work.find_nodes import must_steer
from asci_api.work.front_desk import FrontDesk
from asci_api.work.present_policy import present_policy, read_policy
from asci_shared.logging import get_logger

MOST_TOLD = 20
"""Differences that one line of the audit names."""
_log = get_logger(__name__)


def put_policy(
    desk: FrontDesk, caller: Caller, document: Mapping[str, Any], stands: Callable[[Policy], bool]
) -> Policy:
    """Store a whole, checked document; the policy as it is now. ``stands`` tells whether what the caller had read is
    what stands. Raises ``NotAllowed``, ``Stale``."""
    must_steer(desk, caller, "policy.change", "policy")
    before: list[Policy] = []

    def step(now: Policy) -> Policy:
        if not stands(now):
            raise Stale(
                "The policy was changed meanwhile.",
                detail=f"It is at revision {now.revision}.",
                next_step="Look at it as it is now, and change it again.",
            )
        before[:] = [now]
        return read_policy(document, now)

    try:
        after = desk.policies.change(step)
    except Stale as refusal:
        desk.note(caller, "policy.change", "policy", refusal.slug)
        raise
    if after != before[0]:
        note_policy(desk, caller, "policy.change", "policy", before[0], after)
    return after


def note_policy(desk: FrontDesk, caller: Caller, what: str, target: str, before: Policy, after: Policy) -> None:
    """Write into the audit what differs."""
    old, new = dict(_flat("", present_policy(before))), dict(_flat("", present_policy(after)))
    names = [name for name in sorted({**old, **new}) if old.get(name) != new.get(name)]
    told = {name: f"{old.get(name, 'none')} -> {new.get(name, 'none')}" for name in names[:MOST_TOLD]}
    if len(names) > MOST_TOLD:
        told["more"] = str(len(names) - MOST_TOLD)
    desk.note(caller, what, target, **told)
    _log.info("policy.changed", revision=after.revision, by=caller.person.username)


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for inner, one in value.items():
            yield from _flat(f"{name}.{inner}" if name else str(inner), one)
    else:
        yield name, "no limit" if value is None else str(value)
