"""Who may do what to an instance.

=========  =====================================================================================
access     may
=========  =====================================================================================
owner      everything
control    see it, open it to work or to watch
view       see it, open it to watch
admin      see it and all its shares, stop it, read its log, put connections out; not open it: nobody
           is watched unseen by staff. An admin who owns it or was given a share has that right as well
=========  =====================================================================================

Whoever has no access learns nothing: the answer is that there is no such session.
"""

from __future__ import annotations

from enum import StrEnum

from asci_api.domain.errors import NotAllowed, NotFound
from asci_api.domain.identity import Caller, InstanceId, Person
from asci_api.domain.instance import Instance
from asci_api.work.front_desk import FrontDesk
from asci_shared.redis_contract import Mode


class Access(StrEnum):
    """How a person stands to an instance; the nearest relation where there are several."""

    OWNER = "owner"
    CONTROL = "control"
    VIEW = "view"
    ADMIN = "admin"


class Right(StrEnum):
    """One thing that may be done to an instance."""

    SEE = "see"
    SEE_SHARES = "see-shares"
    OPEN_VIEW = "open-view"
    OPEN_CONTROL = "open-control"
    EDIT = "edit"
    SHARE = "share"
    STOP = "stop"
    DISMISS = "dismiss"
    LOGS = "logs"
    PUT_OUT = "put-out"


_RIGHTS: dict[Access, frozenset[Right]] = {
    Access.OWNER: frozenset(Right),
    Access.CONTROL: frozenset({Right.SEE, Right.OPEN_VIEW, Right.OPEN_CONTROL}),
    Access.VIEW: frozenset({Right.SEE, Right.OPEN_VIEW}),
    Access.ADMIN: frozenset({Right.SEE, Right.SEE_SHARES, Right.STOP, Right.LOGS, Right.PUT_OUT}),
}


def access_of(instance: Instance, person: Person) -> Access | None:
    """The nearest relation of a person to an instance, or None."""
    if person.username == instance.owner:
        return Access.OWNER
    if share := instance.share_of(person.username):
        return Access.CONTROL if share.mode is Mode.CONTROL else Access.VIEW
    return Access.ADMIN if person.is_admin else None


def rights_of(instance: Instance, person: Person) -> frozenset[Right]:
    """Everything that a person may do to an instance; empty for a stranger."""
    access = access_of(instance, person)
    if access is None:
        return frozenset()
    return _RIGHTS[access] | (_RIGHTS[Access.ADMIN] if person.is_admin else frozenset())


def instance_for(desk: FrontDesk, caller: Caller, instance_id: str, right: Right) -> Instance:
    """The instance, if the caller has ``right`` to it.

    Raises ``NotFound`` where there is none or she may not know of it, ``NotAllowed`` where she may know but not do
    this. Both refusals of something that exists are audited.
    """
    instance = desk.instances.get(InstanceId(instance_id))
    if instance is None:
        raise no_such_session()
    check(desk, caller, instance, right)
    return instance


def check(desk: FrontDesk, caller: Caller, instance: Instance, right: Right) -> None:
    """As :func:`instance_for`, for a record in hand."""
    rights = rights_of(instance, caller.person)
    if right in rights:
        return
    refusal = not_allowed() if rights else no_such_session()
    desk.note(caller, f"instance.{right}", instance.id, refusal.slug, owner=instance.owner)
    raise refusal


def no_such_session() -> NotFound:
    return NotFound(
        "There is no such session.",
        detail="It ended long ago, or it is not shared with you.",
        next_step="Go to your sessions.",
    )


def not_allowed() -> NotAllowed:
    return NotAllowed(
        "You may not do this.",
        detail="Your access to this session does not include it.",
        next_step="Ask its owner.",
    )
