"""Instances: start, look, rename, keep longer, stop, read the log."""

from __future__ import annotations

from asci_api.domain.errors import AsciError, NotFound
from asci_api.domain.instance import Instance
from asci_api.http import answered, asked, asked_cluster
from asci_api.http.call import Answer, Call, Json
from asci_api.http.metrics import STARTS
from asci_api.http.operation import Outcome, operation
from asci_api.http.paging import page
from asci_api.work.edit_instance import edit_instance
from asci_api.work.find_instances import Filters, find_instance, find_instances
from asci_api.work.find_nodes import must_be_admin
from asci_api.work.new_record import DEFAULT_GEOMETRY
from asci_api.work.present_decision import decision_for, present_decision
from asci_api.work.present_instance import look_around, present_instance
from asci_api.work.read_logs import read_logs
from asci_api.work.start_instance import Wish, idempotency_key, start_instance
from asci_api.work.stop_instance import stop_instance

TAG = "Instances"
KEY = "Idempotency-Key"


@operation(
    "POST",
    "/instances",
    tag=TAG,
    body=asked.StartRequest,
    outcomes={202: Outcome("Wanted; it starts by itself.", answered.InstanceDocument, {"Location": "The instance."})},
    problems=(403, 404, 409),
    headers={KEY: "The same key and body within a day are one start."},
)
def create_instance(call: Call) -> Answer:
    """Start an environment.

    Answers at once; follow `state` and `progress`. Without a free place it is queued; what no node can ever run is
    refused (`never-fits`, with `reasons`)."""
    wish = Wish(
        call.body["environment"],
        call.body.get("title", "").strip(),
        call.body.get("geometry", DEFAULT_GEOMETRY),
    )
    try:
        started = start_instance(call.desk, call.caller, wish, idempotency_key(call.headers.get(KEY, "")))
    except AsciError as refusal:
        STARTS.labels(refusal.slug).inc()
        raise
    STARTS.labels("ok").inc()
    return Answer(_present(call, started), 202, {"Location": f"/api/v1/instances/{started.id}"})


@operation(
    "GET",
    "/instances",
    tag=TAG,
    query=asked.InstancesQuery,
    outcomes={200: Outcome("Newest first.", answered.Instances)},
    problems=(403,),
    tagged=True,
)
def list_instances(call: Call) -> Answer:
    """One's own instances and those shared with one; everybody's for admins.

    Those that ended are listed for 7 days, or until they are taken off the list."""
    query = call.query
    filters = Filters(
        everybody=query["scope"] == "all",
        states=frozenset(query["state"].split(",")) if query["state"] else frozenset(),
        owner=query["owner"],
        node=query["node"],
        text=query["q"].strip(),
    )
    found = find_instances(call.desk, call.caller, filters)
    shown, cursor = page(found, query["limit"], query["cursor"], lambda one: (one.created_at, one.id), falling=True)
    around = look_around(call.desk, shown)
    items = [present_instance(one, call.caller.person, around) for one in shown]
    return Answer({"items": items, "next_cursor": cursor})


@operation(
    "GET",
    "/instances/{id}",
    tag=TAG,
    outcomes={200: Outcome("The instance.", answered.InstanceDocument)},
    problems=(404,),
    tagged=True,
)
def get_instance(call: Call) -> Answer:
    """One instance."""
    return Answer(_present(call, find_instance(call.desk, call.caller, call.path["id"])))


@operation(
    "PATCH",
    "/instances/{id}",
    tag=TAG,
    body=asked.InstanceChange,
    outcomes={200: Outcome("The instance as it is now.", answered.InstanceDocument)},
    problems=(403, 404, 409),
)
def change_instance(call: Call) -> Answer:
    """Rename it, or keep it longer (its owner)."""
    title = call.body.get("title")
    expires_at = call.body.get("expires_at")
    changed = edit_instance(
        call.desk,
        call.caller,
        call.path["id"],
        title=None if title is None else title.strip(),
        expires_at=None if expires_at is None else expires_at.timestamp(),
    )
    return Answer(_present(call, changed))


@operation(
    "DELETE",
    "/instances/{id}",
    tag=TAG,
    body=asked_cluster.StopReason,
    may_be_empty=True,
    outcomes={
        202: Outcome("It stops.", answered.InstanceDocument),
        204: Outcome("It had ended and is off the list now."),
    },
    problems=(403, 404),
)
def delete_instance(call: Call) -> Answer:
    """Stop it (its owner, admins); take an ended one off the list (its owner).

    The body may be left out; its `reason` is told to the owner and her guests."""
    stopping = stop_instance(call.desk, call.caller, call.path["id"], call.body.get("reason", "").strip())
    return Answer(status=204) if stopping is None else Answer(_present(call, stopping), 202)


@operation(
    "GET",
    "/instances/{id}/logs",
    tag=TAG,
    outcomes={200: Outcome("At most 200 lines.", answered.LogDocument)},
    problems=(403, 404),
)
def get_logs(call: Call) -> Answer:
    """Its last lines (its owner, admins)."""
    log = read_logs(call.desk, call.caller, call.path["id"])
    return Answer({"lines": list(log.lines), "from": log.source})


@operation(
    "GET",
    "/instances/{id}/decision",
    tag=TAG,
    outcomes={200: Outcome("As it was decided then.", answered.DecisionDocument)},
    problems=(403, 404),
    tagged=True,
)
def get_decision(call: Call) -> Answer:
    """Why it is on its node, and why not on others (admins)."""
    must_be_admin(call.caller)
    instance = find_instance(call.desk, call.caller, call.path["id"])
    if instance.decision is None:
        raise NotFound("Nothing was decided about this session yet.", slug="no-decision")
    return Answer(present_decision(instance.decision))


def _present(call: Call, instance: Instance) -> Json:
    document = present_instance(instance, call.caller.person, look_around(call.desk, [instance]))
    return {**document, "decision": decision_for(instance, call.caller.person)}


OPERATIONS = (create_instance, list_instances, get_instance, change_instance, delete_instance, get_logs, get_decision)
