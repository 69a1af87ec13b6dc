"""Ask for the end of an instance, or take an ended one off the list."""

from __future__ import annotations

from dataclasses import replace

from asci_api.domain.identity import Caller
from asci_api.domain.instance import Instance, StopRequest
from asci_api.work.front_desk import FrontDesk
from asci_api.work.permissions import Right, check, instance_for
from asci_shared.close_codes import CloseCode
from asci_shared.redis_contract import RevocationKind


def stop_instance(desk: FrontDesk, caller: Caller, instance_id: str, reason: str = "") -> Instance | None:
    """Record that it shall end, and close its live connections. None where it had ended and was taken off the list.

    A ``reason`` is read by its owner and its guests. A request that stands already wins; asking twice is fine. Raises
    ``NotFound``, ``NotAllowed``.
    """
    instance = instance_for(desk, caller, instance_id, Right.SEE)
    if instance.ended:
        _dismiss(desk, caller, instance)
        return None
    check(desk, caller, instance, Right.STOP)
    told = f"Stopped by {caller.person.name}{f': {reason}' if reason else '.'}"
    request = StopRequest(by=caller.person.username, reason=told, at=desk.clock())

    def step(now: Instance) -> Instance | None:
        return None if now.ended or now.stop else replace(now, stop=request)

    stored = desk.instances.change(instance.id, step)
    if stored.stop == request:
        desk.revocations.revoke(
            RevocationKind.INSTANCE, code=CloseCode.ENDED, reason=_short(request.reason), instance=stored.id
        )
        facts = {"owner": stored.owner, "reason": reason} if reason else {"owner": stored.owner}
        desk.note(caller, "instance.stop", stored.id, **facts)
    return stored


def _dismiss(desk: FrontDesk, caller: Caller, instance: Instance) -> None:
    check(desk, caller, instance, Right.DISMISS)
    desk.instances.change(instance.id, lambda now: replace(now, dismissed=True))
    desk.note(caller, "instance.dismiss", instance.id)


def _short(reason: str) -> str:
    """Fits a close frame: at most 120 bytes."""
    return reason.encode()[:117].decode(errors="ignore")
