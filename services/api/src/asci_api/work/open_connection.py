"""Give the right to open one connection (design, section 5): a ticket in Redis, a one-time password to the browser."""

from __future__ import annotations

from dataclasses import dataclass, replace

from asci_api.domain.environment import Kind
from asci_api.domain.errors import Changed, Conflict, InvalidInput
from asci_api.domain.identity import Caller, ConnectionId, InstanceId, Username, new_connection_id
from asci_api.domain.instance import Endpoint, Instance, State
from asci_api.work.front_desk import FrontDesk
from asci_api.work.permissions import Right, instance_for
from asci_shared.passwords import one_time_password
from asci_shared.redis_contract import TICKET_SECONDS, Mode, Ticket

_RIGHTS = {Mode.CONTROL: Right.OPEN_CONTROL, Mode.VIEW: Right.OPEN_VIEW}
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Opening:
    """What the browser needs to connect, once."""

    id: ConnectionId
    instance: InstanceId
    kind: Kind
    """``desktop`` is reached on the portal's origin, ``web`` on the instance's own."""
    password: str
    """Answers the proxy's VncAuth challenge, or is posted to the instance's origin; derived, stored nowhere, good for
    this connection alone."""
    mode: Mode
    expires_at: float
    """The ticket is gone then."""


def open_connection(desk: FrontDesk, caller: Caller, instance_id: str, mode: Mode) -> Opening:
    """Check the right and issue a ticket for ``mode``.

    The ticket is refused by the store if the record changed since the right was checked; then the check is repeated.
    Raises ``NotAllowed``, ``NotFound``, ``Conflict`` (``not-running``), ``InvalidInput`` for a service (``no-screen``)
    and for watching a web application (``view-not-possible``).
    """
    for left in range(_TRIES - 1, -1, -1):
        instance = instance_for(desk, caller, instance_id, _RIGHTS[mode])
        _check_mode(instance, mode)
        ticket = _ticket(desk, caller, instance, mode)
        try:
            issued = desk.tickets.issue(ticket, instance.revision)
        except Changed:
            if not left:
                raise
            continue
        break
    desk.note(caller, "connection.open", instance.id, mode=mode, connection=issued.connection)
    _seen(desk, instance, caller.person.username)
    return Opening(
        id=ConnectionId(issued.connection),
        instance=instance.id,
        kind=instance.kind,
        password=one_time_password(desk.key, issued.connection),
        mode=mode,
        expires_at=issued.issued_at + TICKET_SECONDS,
    )


def _ticket(desk: FrontDesk, caller: Caller, instance: Instance, mode: Mode) -> Ticket:
    endpoint = _endpoint(instance)
    return Ticket(
        connection=new_connection_id(),
        instance=instance.id,
        kind=instance.kind,
        address=endpoint.address,
        port=endpoint.port,
        username=caller.person.username,
        name=caller.person.name,
        owner=instance.owner,
        token=caller.token,
        mode=mode,
        generation=instance.generations.of(mode),
        issued_at=desk.clock(),
        request_id=caller.request_id,
    )


def _check_mode(instance: Instance, mode: Mode) -> None:
    if instance.kind is Kind.SERVICE:
        raise InvalidInput("This session has no screen to open.", slug="no-screen")
    if instance.kind is Kind.WEB and mode is Mode.VIEW:
        raise view_not_possible()


def view_not_possible() -> InvalidInput:
    """HTTP has no way to let somebody watch only: whoever may ask may also change."""
    return InvalidInput(
        "A web application cannot be opened or shared for watching only.",
        next_step="Choose control.",
        slug="view-not-possible",
    )


def _endpoint(instance: Instance) -> Endpoint:
    if instance.state is not State.RUNNING or instance.stop or instance.endpoint is None:
        raise Conflict(
            "This session is not running.",
            detail=f"It is {'stopping' if instance.stop and not instance.ended else instance.state}.",
            next_step="Wait until it runs, or start another.",
            slug="not-running",
        )
    return instance.endpoint


def _seen(desk: FrontDesk, instance: Instance, username: Username) -> None:
    """Remember when a guest was last here."""
    if instance.share_of(username) is None:
        return
    now = desk.clock()

    def step(record: Instance) -> Instance:
        shares = tuple(replace(one, last_seen=now) if one.username == username else one for one in record.shares)
        return replace(record, shares=shares)

    desk.instances.change(instance.id, step)
