"""A session's page: waiting room, desktop and notice are faces of one page, changed in place."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from asci_shared.api.client import Api, Tagged
from asci_shared.api.errors import ApiProblem
from asci_shared.api.models import Instance, Log
from asci_shared.apps import AppsOrigins
from asci_shared.web import security
from asci_shared.web.words import numbers, people
from asci_webui import VERSION
from asci_webui.portal import api, portal
from asci_webui.words import states

pages = Blueprint("session_page", __name__, url_prefix="/s")


@pages.get("/<instance_id>")
def session(instance_id: str) -> Response:
    """The page. Its script takes over from the state that it was made in."""
    caller = api()
    answer = caller.instance(instance_id)
    instance = _there(answer)
    _open_up(instance)
    me = caller.me()
    log = caller.log(instance_id) if instance.kind == "service" and _may_read_log(instance) else None
    return make_response(
        render_template("session.html", instance=instance, me=me, log=log, tag=_tag(answer.tag, me.username))
    )


@pages.get("/<instance_id>/state")
def state(instance_id: str) -> Response:
    """What the page needs to follow: facts for the script, and the parts of the page that words are made for.

    Tagged with the API's tag: 304 while nothing changed.
    """
    caller = api()
    version, _, rest = request.headers.get("If-None-Match", "").strip('W/"').partition(":")
    username, _, tag = rest.partition(":")
    try:
        answer = caller.instance(instance_id, _quoted(tag) if version == VERSION else "")
    except ApiProblem as problem:
        if problem.status not in {403, 404}:
            raise
        return jsonify({"id": instance_id, "state": "gone", "phase": "gone"})
    if answer.value is None:
        return Response(status=304)
    me = username if version == VERSION and username else caller.me().username
    response = jsonify(_facts(answer.value, me))
    response.headers["ETag"] = f'W/"{_tag(answer.tag, me)}"'
    return response


@pages.get("/<instance_id>/details")
def details(instance_id: str) -> Response:
    """Facts and the last lines of the log, to read and to send to support."""
    caller = api()
    instance = _there(caller.instance(instance_id))
    log = _log(caller, instance)
    return make_response(
        render_template("details.html", instance=instance, me=caller.me(), log=log, support=_for_support(instance, log))
    )


@pages.get("/<instance_id>/log")
def log_lines(instance_id: str) -> Response:
    """The log's lines alone, for the live view of services."""
    lines = api().log(instance_id).lines
    return Response("\n".join(lines), mimetype="text/plain")


def _there(answer: Tagged[Instance]) -> Instance:
    if answer.value is None:
        raise ApiProblem(404, "unknown-instance", "There is no such session.")
    return answer.value


def _open_up(instance: Instance) -> None:
    settings = portal().settings
    apps = AppsOrigins.beside(settings.public_url, settings.apps_domain)
    portal().gate.allow(
        security.PagePolicy(
            data_pictures=True,
            websocket=security.websocket_origin(settings.public_url),
            posts_to=apps.of(instance.id) if instance.kind == "web" else "",
        )
    )


def _tag(tag: str, username: str) -> str:
    return f"{VERSION}:{username}:{tag.removeprefix('W/').strip(chr(34))}"


def _quoted(tag: str) -> str:
    return f'W/"{tag}"'


def _facts(instance: Instance, me: str) -> dict[str, Any]:
    return {
        "id": instance.id,
        "revision": instance.revision,
        "state": instance.state,
        "phase": states.phase(instance),
        "kind": instance.kind,
        "title": instance.title,
        "node": instance.node,
        "access": instance.my_access,
        "guest": states.guest_line(instance),
        "owner": {"username": instance.owner.username, "name": instance.owner.name},
        "warning": states.warned(instance),
        "fixed": states.end_is_fixed(instance),
        "expires_at": numbers.utc(instance.expires_at) if instance.expires_at else None,
        "people": [
            {"username": c.username, "name": people.given_name(c.name), "mode": c.mode, "id": c.id}
            for c in people.distinct(instance.connections, me)
        ],
        "room": render_template("fragments/room.html", instance=instance, me_name=me),
        "who": render_template("fragments/who.html", instance=instance, me_name=me),
    }


def _may_read_log(instance: Instance) -> bool:
    return instance.my_access in {"owner", "admin"}


def _log(caller: Api, instance: Instance) -> Log:
    if not _may_read_log(instance):
        return Log((), "container")
    try:
        return caller.log(instance.id)
    except ApiProblem as problem:
        if problem.status == 401:
            raise
        return Log((), "record")


def _for_support(instance: Instance, log: Log) -> str:
    error = instance.error
    facts = {
        "session": instance.id,
        "state": instance.state,
        "environment": instance.environment.name,
        "image": instance.image,
        "node": instance.node,
        "owner": instance.owner.username,
        "created": numbers.utc(instance.created_at),
        "ended": numbers.utc(instance.ended_at) if instance.ended_at else "",
        "failure": f"{error.hop}: {error.cause} {error.detail}" if error else instance.end_reason,
        "request": (error.request_id if error else "") or instance.request_id,
    }
    head = [f"{name}: {value}" for name, value in facts.items() if value]
    return "\n".join([*head, "", *log.lines])
