"""The share dialog: who may see or control a session. Changes act at once."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from asci_shared.api.client import Api
from asci_shared.api.errors import ApiProblem
from asci_shared.api.models import Instance, Person
from asci_shared.web import inline
from asci_shared.web.words import people
from asci_webui.portal import api

pages = Blueprint("sharing", __name__, url_prefix="/s/<instance_id>/share")

_MODES = ("view", "control")
_LEAST = 2


@pages.get("")
def share_form(instance_id: str) -> Response:
    """The dialog; ``?q=`` searches people without script as well."""
    return _show(api(), instance_id)


@pages.get("/people")
def found_people(instance_id: str) -> Response:
    """The result list alone, as one types."""
    caller, text = api(), request.args.get("q", "").strip()
    found = _found(caller, text, _there(caller, instance_id))
    return make_response(render_template("fragments/found.html", found=found, text=text, instance_id=instance_id))


@pages.post("")
def change(instance_id: str) -> AnyResponse:
    """Add somebody, change what she may do, or remove her."""
    caller, username = api(), request.form.get("username", "")
    mode = request.form.get("mode", "view")
    if request.form.get("act") == "remove":
        instance = _there(caller, instance_id)
        caller.unshare(instance_id, username)
        name, what = _name(instance, username), "picture" if instance.kind == "desktop" else "page"
        return _answer(caller, instance_id, f"{people.given_name(name)} is out. Their {what} closed.")
    try:
        share = caller.share(instance_id, username, mode if mode in _MODES else "view")
    except ApiProblem as problem:
        if problem.status not in {404, 409, 422}:
            raise
        return _show(caller, instance_id, error=problem.title, status=problem.status)
    does = "control" if share.mode == "control" else "watch"
    return _answer(caller, instance_id, f"{people.given_name(share.name)} can {does}.")


def _answer(caller: Api, instance_id: str, toast: str) -> AnyResponse:
    if inline.asked():
        return _show(caller, instance_id, said=toast)
    return inline.done(toast, f"/s/{instance_id}/share")


def _show(caller: Api, instance_id: str, error: str = "", said: str = "", status: int = 200) -> Response:
    instance, text = _there(caller, instance_id), request.args.get("q", "").strip()
    mode = "control" if instance.kind == "web" else request.values.get("mode", "view")
    return inline.show(
        "share.html",
        status,
        instance=instance,
        me=caller.me(),
        text=text,
        mode=mode if mode in _MODES else "view",
        found=_found(caller, text, instance),
        error=error,
        said=said,
        here={connection.username: connection for connection in instance.connections},
    )


def _found(caller: Api, text: str, instance: Instance) -> tuple[Person, ...]:
    if len(text) < _LEAST:
        return ()
    in_already = {share.username for share in instance.shares} | {instance.owner.username}
    return tuple(person for person in caller.people(text) if person.username not in in_already)[:6]


def _there(caller: Api, instance_id: str) -> Instance:
    answer = caller.instance(instance_id)
    if answer.value is None or answer.value.my_access not in {"owner", "admin"}:
        raise ApiProblem(404, "unknown-instance", "There is no such session.")
    return answer.value


def _name(instance: Instance, username: str) -> str:
    return next((share.name for share in instance.shares if share.username == username), username)
