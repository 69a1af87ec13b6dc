"""Other people's rights to an instance."""

from __future__ import annotations

from asci_api.http import answered, asked
from asci_api.http.call import Answer, Call
from asci_api.http.operation import Outcome, operation
from asci_api.work.present_instance import present_share
from asci_api.work.share_instance import share_instance, unshare_instance
from asci_shared.redis_contract import Mode

TAG = "Shares"


@operation(
    "PUT",
    "/instances/{id}/shares/{username}",
    tag=TAG,
    body=asked.ShareRequest,
    outcomes={200: Outcome("The share as it is now.", answered.ShareDocument)},
    problems=(403, 404, 409),
)
def put_share(call: Call) -> Answer:
    """Let somebody watch, or control.

    Control means acting as the owner, with her files. Lowering it to watching ends her live control at once."""
    share = share_instance(call.desk, call.caller, call.path["id"], call.path["username"], Mode(call.body["mode"]))
    return Answer(present_share(share))


@operation(
    "DELETE",
    "/instances/{id}/shares/{username}",
    tag=TAG,
    outcomes={204: Outcome("Taken away; her picture closed.")},
    problems=(403, 404),
)
def delete_share(call: Call) -> Answer:
    """Take a right away (the owner anybody's, a guest her own)."""
    unshare_instance(call.desk, call.caller, call.path["id"], call.path["username"])
    return Answer(status=204)


OPERATIONS = (put_share, delete_share)
