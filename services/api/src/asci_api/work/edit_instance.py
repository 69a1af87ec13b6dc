"""Rename an instance, or keep it longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from asci_api.domain.errors import Conflict, InvalidInput
from asci_api.domain.identity import Caller
from asci_api.domain.instance import Instance
from asci_api.work.front_desk import FrontDesk
from asci_api.work.permissions import Right, instance_for


def edit_instance(
    desk: FrontDesk, caller: Caller, instance_id: str, title: str | None = None, expires_at: float | None = None
) -> Instance:
    """The instance with its new title or end (seconds since the epoch); None leaves as it is.

    Raises ``Conflict`` (``ended``) for one that ended or ends, ``InvalidInput`` for an end that is past or further
    away than the policy's longest life (fact ``latest``: the last end that is allowed, RFC 3339).
    """
    instance = instance_for(desk, caller, instance_id, Right.EDIT)
    if expires_at is not None:
        _check_end(desk, expires_at)
    changes: dict[str, object] = {}
    if title is not None:
        changes["title"] = title
    if expires_at is not None:
        changes["expires_at"] = expires_at

    def step(now: Instance) -> Instance:
        if now.ended or now.stop:
            raise ended()
        changed: Instance = replace(now, **changes)  # type: ignore[arg-type]
        return changed

    stored = desk.instances.change(instance.id, step)
    for what, value in changes.items():
        desk.note(caller, _VERBS[what], stored.id, **{what: str(value)})
    return stored


_VERBS = {"title": "instance.rename", "expires_at": "instance.extend"}


def ended() -> Conflict:
    return Conflict("This session has ended.", next_step="Start it again.", slug="ended")


def _check_end(desk: FrontDesk, expires_at: float) -> None:
    now = desk.clock()
    longest = desk.policies.get().longest_life
    if expires_at <= now:
        raise InvalidInput("The new end is past.", fields={"expires_at": ["Choose a time to come."]})
    if expires_at > now + longest:
        sentence = f"At most {longest / 86400:.0f} days from now."
        latest = datetime.fromtimestamp(int(now + longest), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        raise InvalidInput(
            "The new end is too far away.", detail=sentence, fields={"expires_at": [sentence]}, latest=latest
        )
