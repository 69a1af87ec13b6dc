"""Give somebody a right to an instance, change it, take it away.

Taking away is felt at once: the generation of the desktop's secrets is raised (so that an old secret opens nothing), a
tombstone closes live connections of the mode that was lost, and the controller writes the new secrets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from asci_api.domain.environment import Kind
from asci_api.domain.errors import InvalidInput, NotFound
from asci_api.domain.identity import Caller, Person
from asci_api.domain.instance import Generations, Instance, Share
from asci_api.work.edit_instance import ended
from asci_api.work.front_desk import FrontDesk
from asci_api.work.open_connection import view_not_possible
from asci_api.work.permissions import Right, check, instance_for
from asci_shared.close_codes import CloseCode
from asci_shared.redis_contract import Mode, RevocationKind


def share_instance(desk: FrontDesk, caller: Caller, instance_id: str, username: str, mode: Mode) -> Share:
    """Give or change a right; the share as it stands.

    Raises ``NotFound`` (``unknown-person``), ``InvalidInput`` for oneself and for ``view`` of a web application,
    ``Conflict`` (``ended``).
    """
    instance = instance_for(desk, caller, instance_id, Right.SHARE)
    if instance.kind is Kind.WEB and mode is Mode.VIEW:
        raise view_not_possible()
    person = _guest(desk, instance, username)
    stored, before = _put(desk, instance, person, mode)
    if before is not None and before.mode is Mode.CONTROL and mode is Mode.VIEW:
        _close(desk, caller, stored, username, [Mode.CONTROL], "control", stored.generations.control)
    if before is None or before.mode is not mode:
        desk.note(caller, "share.give", stored.id, person=username, mode=mode)
    return next(share for share in stored.shares if share.username == username)


def unshare_instance(desk: FrontDesk, caller: Caller, instance_id: str, username: str) -> None:
    """Take a right away: the owner anybody's, a guest her own. Raises ``NotFound`` where there is none."""
    instance = instance_for(desk, caller, instance_id, Right.SEE)
    if username != caller.person.username:
        check(desk, caller, instance, Right.SHARE)
    removed: list[Share] = []

    def step(now: Instance) -> Instance:
        removed[:] = [share for share in now.shares if share.username == username]
        if not removed:
            raise NotFound("This session is not shared with that person.", slug="not-shared")
        rest = tuple(share for share in now.shares if share.username != username)
        controlled = removed[0].mode is Mode.CONTROL
        return replace(now, shares=rest, generations=_raised(now.generations, control=int(controlled), view=1))

    stored = desk.instances.change(instance.id, step)
    raised = stored.generations.control if removed[0].mode is Mode.CONTROL else 0
    _close(desk, caller, stored, username, [Mode.CONTROL, Mode.VIEW], f"access to this {stored.kind.noun}", raised)
    desk.note(caller, "share.take", stored.id, person=username)


def _guest(desk: FrontDesk, instance: Instance, username: str) -> Person:
    if username == instance.owner:
        raise InvalidInput("This is your own session.", next_step="Choose somebody else.", slug="own-session")
    person = desk.directory.get(username)
    if person is None or person.disabled:
        raise NotFound("Nobody by that name.", detail=f"Nobody is called {username} here.", slug="unknown-person")
    return person


def _put(desk: FrontDesk, instance: Instance, person: Person, mode: Mode) -> tuple[Instance, Share | None]:
    """The record with the share, and the share as it was before."""
    before: list[Share | None] = []
    now = desk.clock()

    def step(record: Instance) -> Instance | None:
        if record.ended or record.stop:
            raise ended()
        old = record.share_of(person.username)
        before[:] = [old]
        if old is not None and old.mode is mode:
            return None
        lowered = old is not None and old.mode is Mode.CONTROL
        share = replace(old, mode=mode) if old else Share(person.username, person.name, mode, since=now)
        others = tuple(one for one in record.shares if one.username != person.username)
        shares = tuple(sorted((*others, share), key=lambda one: (one.since, one.username)))
        return replace(record, shares=shares, generations=_raised(record.generations, control=int(lowered)))

    return desk.instances.change(instance.id, step), before[0]


def _raised(generations: Generations, control: int = 0, view: int = 0) -> Generations:
    return replace(generations, control=generations.control + control, view=generations.view + view)


def _close(
    desk: FrontDesk, caller: Caller, instance: Instance, username: str, modes: Sequence[Mode], what: str, raised: int
) -> None:
    """``raised`` is the new generation of the control secret, 0 where it stayed."""
    desk.revocations.revoke(
        RevocationKind.SHARE,
        code=CloseCode.REVOKED,
        reason=f"Your {what} was ended.",
        instance=instance.id,
        username=username,
        modes=modes,
        generation=raised,
    )
    desk.wakes.wake(f"secret:{instance.id}")
