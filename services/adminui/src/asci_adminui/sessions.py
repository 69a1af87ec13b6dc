"""Sessions of everybody: found by filters, looked into, stopped with a reason."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from asci_adminui import asking, live
from asci_adminui.desk import me, steering
from asci_shared.api.cluster import Decision
from asci_shared.api.errors import ApiProblem
from asci_shared.api.models import Instance, Log
from asci_shared.web import inline
from asci_shared.web.words import people

pages = Blueprint("sessions", __name__)

FILTERS = ("q", "state", "owner", "node")
STATES = {
    "queued": "In the queue",
    "placed": "Place found",
    "pulling": "Pulling the image",
    "starting": "Starting",
    "running": "Running",
    "stopping": "Stopping",
    "stopped": "Ended",
    "failed": "Failed",
    "lost": "Node lost",
}
ENDED = {"stopped", "failed"}
_REASON = 200


@pages.get("/admin/sessions")
def listed() -> Response:
    """A page of the table; filters and place stand in the address."""
    return make_response(render_template("sessions.html", me=me(), **_listing()))


@pages.get("/admin/fragments/sessions")
def listed_again() -> Response:
    """The table again."""
    return live.answer("fragments/sessions.html", **_listing())


@pages.get("/admin/sessions/<instance_id>")
def one(instance_id: str) -> Response:
    """One session: facts, who is on, why it is where it is, its last lines."""
    instance = _there(instance_id)
    return make_response(
        render_template(
            "session.html",
            me=me(),
            instance=instance,
            here=people.distinct(instance.connections, ""),
            decision=_decision(instance_id),
            log=_log(instance_id),
            ended=ENDED,
        )
    )


@pages.get("/admin/fragments/sessions/<instance_id>")
def one_again(instance_id: str) -> Response:
    """Its state and who is on, again."""
    instance = _there(instance_id)
    return live.answer("fragments/session.html", instance=instance, ended=ENDED)


@pages.get("/admin/sessions/<instance_id>/decision")
def why_here(instance_id: str) -> Response:
    """The stored decision alone."""
    return inline.show("dialogs/decision.html", me=me(), instance=_there(instance_id), decision=_decision(instance_id))


@pages.get("/admin/sessions/<instance_id>/stop")
def stop_form(instance_id: str) -> Response:
    """Whose it is, who is on, and the reason that they will read."""
    return _ask_stop(_there(instance_id))


@pages.post("/admin/sessions/<instance_id>/stop")
def stop(instance_id: str) -> AnyResponse:
    """Stops it."""
    instance, reason = _there(instance_id), " ".join(request.form.get("reason", "").split())[:_REASON]
    if not reason and instance.state not in ENDED:
        return _ask_stop(instance, 422, "Say why: the owner reads it.")
    try:
        steering().stop(instance_id, reason)
    except ApiProblem as problem:
        if problem.status not in {404, 409, 422}:
            raise
        return _ask_stop(instance, problem.status, " ".join(asking.told(problem).values()))
    return inline.done(f"“{instance.title}” is stopping.", f"/admin/sessions/{instance_id}")


@pages.get("/admin/sessions/<instance_id>/put-out/<connection_id>")
def put_out_form(instance_id: str, connection_id: str) -> Response:
    """Whose picture would close."""
    instance = _there(instance_id)
    viewer = next((one for one in instance.connections if one.id == connection_id), None)
    if viewer is None:
        raise ApiProblem(404, "unknown-connection", "Nobody is on there any more.")
    return inline.show("dialogs/put_out.html", me=me(), instance=instance, viewer=viewer)


@pages.post("/admin/sessions/<instance_id>/put-out/<connection_id>")
def put_out(instance_id: str, connection_id: str) -> AnyResponse:
    """Closes it; one who is gone already is out."""
    try:
        steering().put_out(instance_id, connection_id)
    except ApiProblem as problem:
        if problem.status != 404:
            raise
    return inline.done("The picture is closed.", f"/admin/sessions/{instance_id}")


def _ask_stop(instance: Instance, status: int = 200, error: str = "") -> Response:
    here = people.distinct(instance.connections, "")
    touched = {instance.owner.username, *(one.username for one in here)}
    return inline.show(
        "dialogs/stop.html",
        status,
        me=me(),
        instance=instance,
        viewers=here,
        touched=len(touched),
        error=error,
        given=request.form.get("reason", ""),
    )


def _listing() -> dict[str, Any]:
    filters = asking.kept(FILTERS)
    if filters.get("state", "") not in {"", *STATES}:
        filters.pop("state")
    cursor = request.args.get("cursor", "")[:400]
    page = steering().instances({**filters, "limit": asking.PAGE, "cursor": cursor})
    return {"page": page, "filters": filters, "cursor": cursor, "states": STATES, "address": asking.address}


def _there(instance_id: str) -> Instance:
    found = steering().api.instance(instance_id).value
    if found is None:
        raise ApiProblem(404, "unknown-instance", "There is no such session.")
    return found


def _decision(instance_id: str) -> Decision | None:
    """None while it has no place yet."""
    try:
        return steering().decision(instance_id)
    except ApiProblem as problem:
        if problem.status != 404:
            raise
        return None


def _log(instance_id: str) -> Log:
    try:
        return steering().api.log(instance_id)
    except ApiProblem as problem:
        if problem.status == 401:
            raise
        return Log((), "record")
