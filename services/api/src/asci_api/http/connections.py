"""Opening an instance's screen, who is on, and putting somebody out."""

from __future__ import annotations

from asci_api.domain.environment import Kind
from asci_api.http import answered, asked
from asci_api.http.call import Answer, Call
from asci_api.http.operation import Outcome, operation
from asci_api.work.moments import moment
from asci_api.work.open_connection import Opening, open_connection
from asci_api.work.present_instance import present_connection
from asci_api.work.put_out import find_connections, put_out
from asci_shared.apps import ENTER_PATH
from asci_shared.redis_contract import Mode

TAG = "Connections"


@operation(
    "POST",
    "/instances/{id}/connections",
    tag=TAG,
    body=asked.ConnectionRequest,
    outcomes={201: Outcome("Good for one connection within 30 s.", answered.Opening)},
    problems=(403, 404, 409),
)
def create_connection(call: Call) -> Answer:
    """Get the right to open one connection to a running desktop or web application.

    Desktop: open a WebSocket at `url` with the same sign-in's cookie and speak RFB 3.8 with VncAuth and `password`.
    Web application: post a form to `url` with the fields `connection` (the `id`) and `password`; the answer sets a
    cookie on the application's own host. Services have nothing to open."""
    opening = open_connection(call.desk, call.caller, call.path["id"], Mode(call.body["mode"]))
    document = {
        "id": opening.id,
        "url": _url(call, opening),
        "password": opening.password,
        "mode": str(opening.mode),
        "expires_at": moment(opening.expires_at),
    }
    return Answer(document, 201)


def _url(call: Call, opening: Opening) -> str:
    if opening.kind is Kind.WEB:
        return call.site.apps.of(opening.instance) + ENTER_PATH
    return f"/connect/{opening.id}"


@operation(
    "GET",
    "/instances/{id}/connections",
    tag=TAG,
    outcomes={200: Outcome("Oldest first.", answered.Connections)},
    problems=(404,),
)
def list_connections(call: Call) -> Answer:
    """Who is on."""
    leases = find_connections(call.desk, call.caller, call.path["id"])
    return Answer({"items": [present_connection(lease) for lease in leases]})


@operation(
    "DELETE",
    "/instances/{id}/connections/{connection}",
    tag=TAG,
    outcomes={204: Outcome("Closed.")},
    problems=(403, 404),
)
def delete_connection(call: Call) -> Answer:
    """Put a connection out (the owner and admins anybody's, guests their own)."""
    put_out(call.desk, call.caller, call.path["id"], call.path["connection"])
    return Answer(status=204)


OPERATIONS = (create_connection, list_connections, delete_connection)
