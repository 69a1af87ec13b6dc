"""Who is connected to an instance; put one out."""

from __future__ import annotations

from asci_api.domain.errors import NotFound
from asci_api.domain.identity import Caller
from asci_api.work.front_desk import FrontDesk
from asci_api.work.permissions import Right, check, instance_for
from asci_shared.close_codes import CloseCode
from asci_shared.redis_contract import Lease, RevocationKind


def find_connections(desk: FrontDesk, caller: Caller, instance_id: str) -> list[Lease]:
    """The live connections, oldest first."""
    instance = instance_for(desk, caller, instance_id, Right.SEE)
    return desk.presence.of([instance.id])[instance.id]


def put_out(desk: FrontDesk, caller: Caller, instance_id: str, connection: str) -> None:
    """Close one connection: the owner or an admin anybody's, a guest her own. Raises ``NotFound`` if it is not live."""
    instance = instance_for(desk, caller, instance_id, Right.SEE)
    lease = next((one for one in desk.presence.of([instance.id])[instance.id] if one.connection == connection), None)
    if lease is None or lease.username != caller.person.username:
        check(desk, caller, instance, Right.PUT_OUT)
    if lease is None:
        raise NotFound("This connection is closed already.", slug="no-connection")
    desk.revocations.revoke(
        RevocationKind.CONNECTION,
        code=CloseCode.PUT_OUT,
        reason="Your connection was ended.",
        instance=instance.id,
        connection=connection,
    )
    desk.note(caller, "connection.put-out", instance.id, person=lease.username, connection=connection)
