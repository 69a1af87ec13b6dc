"""What an owner does with a session: rename, keep it longer, stop, take off the list."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, request
from werkzeug.wrappers import Response

from asci_shared.api.errors import ApiProblem
from asci_shared.api.models import Instance, moment
from asci_shared.web import inline
from asci_shared.web.words import numbers, people
from asci_webui.portal import api
from asci_webui.words import states

pages = Blueprint("session_actions", __name__, url_prefix="/s/<instance_id>")

TITLE_LENGTH = 80


def _instance(instance_id: str) -> Instance:
    answer = api().instance(instance_id)
    if answer.value is None:
        raise ApiProblem(404, "unknown-instance", "There is no such session.")
    return answer.value


@pages.get("/rename")
def rename_form(instance_id: str) -> Response:
    """Asks for the new title."""
    return inline.show("rename.html", instance=_instance(instance_id), me=api().me(), error="")


@pages.post("/rename")
def rename(instance_id: str) -> Response:
    """Gives it."""
    title = " ".join(request.form.get("title", "").split())[:TITLE_LENGTH]
    try:
        if not title:
            raise ApiProblem(422, "invalid-input", "A session needs a name.")
        api().change(instance_id, title=title)
    except ApiProblem as problem:
        if problem.status != 422:
            raise
        return inline.show(
            "rename.html", 422, instance=_instance(instance_id), me=api().me(), error=_field(problem, "title")
        )
    return inline.done(f"Renamed to “{title}”.", f"/s/{instance_id}")


@pages.get("/keep")
def keep_form(instance_id: str) -> Response:
    """Says until when it would be kept."""
    return _keep_form(_instance(instance_id))


@pages.post("/keep")
def keep(instance_id: str) -> Response:
    """Moves its end to what was chosen, or as far as the policy lets."""
    instance = _instance(instance_id)
    try:
        until = _keep(instance, _chosen(instance))
    except ApiProblem as problem:
        if problem.status not in {409, 422}:
            raise
        return _keep_form(instance, 422, _field(problem, "expires_at"))
    return inline.done(f"Kept until {numbers.clock(until)}.", f"/s/{instance_id}")


def _keep_form(instance: Instance, status: int = 200, error: str = "") -> Response:
    return inline.show("keep.html", status, instance=instance, me=api().me(), choices=_choices(instance), error=error)


@pages.get("/stop")
def stop_form(instance_id: str) -> Response:
    """The question, with who else is on."""
    instance, me = _instance(instance_id), api().me()
    others = [c for c in people.distinct(instance.connections, me.username) if c.username != me.username]
    return inline.show("stop.html", instance=instance, me=me, others=others)


@pages.post("/stop")
def stop(instance_id: str) -> Response:
    """Stops it (or leaves the queue); an ended one leaves the list."""
    instance = _instance(instance_id)
    api().stop(instance_id)
    if instance.state in states.ENDED:
        return inline.done(f"“{instance.title}” is off your list.", "/")
    return inline.done(f"“{instance.title}” is stopping.", "/")


def _choices(instance: Instance) -> dict[str, datetime]:
    return states.ends_to_choose(instance, datetime.now(UTC))


def _chosen(instance: Instance) -> datetime:
    choices = _choices(instance)
    return choices.get(request.form.get("until", ""), next(iter(choices.values())))


def _keep(instance: Instance, until: datetime) -> datetime:
    """When it ends now: at ``until``, or at the policy's latest where that is earlier; never earlier than it did."""
    present = instance.expires_at
    if present is not None and until <= present:
        return present
    try:
        return api().change(instance.id, expires_at=numbers.utc(until)).expires_at or until
    except ApiProblem as problem:
        latest = _latest(problem)
        if latest is None or latest >= until:
            raise
        return _keep(instance, latest)


def _latest(problem: ApiProblem) -> datetime | None:
    """The last end that the policy allows, where a refusal names it."""
    try:
        return moment(problem.facts.get("latest"))
    except (TypeError, ValueError):
        return None


def _field(problem: ApiProblem, name: str) -> str:
    sentences = problem.facts.get("fields", {}).get(name, [])
    return " ".join(sentences) if sentences else f"{problem.title} {problem.detail}".strip()
