"""Everybody as admins see them: what they have and may have, where they are signed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from asci_api.domain.errors import NotFound
from asci_api.domain.identity import Caller, Person, Quota, Username
from asci_api.domain.policy import GivenQuota, Policy, quota_of
from asci_api.domain.ports import Seen
from asci_api.work.edit_policy import note_policy
from asci_api.work.find_nodes import must_be_admin, must_steer
from asci_api.work.front_desk import FrontDesk
from asci_api.work.quotas import Usage, usage_by_owner
from asci_api.work.sign_in import end_all_sign_ins
from asci_shared.logging import get_logger

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Portrait:
    """A person with what admins want to know of her."""

    person: Person
    given: GivenQuota
    usage: Usage
    seen: Seen


def find_everybody(desk: FrontDesk, caller: Caller, text: str = "") -> list[Person]:
    """By user name; with ``text`` those whose name or user name contains it, whatever its case.
    Raises ``NotAllowed``."""
    must_be_admin(caller)
    wanted = text.strip().casefold()
    return [one for one in desk.directory.everybody() if wanted in f"{one.username}\n{one.name}".casefold()]


def portraits(desk: FrontDesk, people: Iterable[Person]) -> list[Portrait]:
    """These people, in few questions."""
    shown = list(people)
    policy, usage = desk.policies.get(), usage_by_owner(desk.instances.active())
    seen = desk.tokens.seen([one.username for one in shown])
    return [Portrait(one, quota_of(policy, one), usage.get(one.username, Usage()), seen[one.username]) for one in shown]


def set_quota(desk: FrontDesk, caller: Caller, username: str, quota: Quota | None) -> Person:
    """Give a person a quota of her own, or take it back (None). It stands in the policy.

    Raises ``NotAllowed``, ``NotFound`` (``unknown-person``)."""
    must_steer(desk, caller, "person.quota", username)
    person = _known(desk, username)
    before: list[Policy] = []

    def step(now: Policy) -> Policy:
        before[:] = [now]
        others = {name: one for name, one in now.people_quotas.items() if name != username}
        return replace(now, people_quotas=others if quota is None else {**others, username: quota})

    after = desk.policies.change(step)
    if after != before[0]:
        note_policy(desk, caller, "person.quota", username, before[0], after)
    return person


def end_sign_ins_of(desk: FrontDesk, caller: Caller, username: str) -> None:
    """End all sign-ins of a person and close her connections; her sessions go on.

    Raises ``NotAllowed``, ``NotFound`` (``unknown-person``)."""
    must_steer(desk, caller, "person.sign-out", username)
    person = _known(desk, username)
    count = end_all_sign_ins(desk, Username(person.username), f"Signed out by {caller.person.name}.")
    desk.note(caller, "person.sign-out", username, sign_ins=str(count))
    _log.info("sign_ins.ended", username=username, count=count, by=caller.person.username)


def _known(desk: FrontDesk, username: str) -> Person:
    person = desk.directory.get(username)
    if person is None:
        raise NotFound("Nobody by that name.", detail=f"Nobody is called {username}.", slug="unknown-person")
    return person
