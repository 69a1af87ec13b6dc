"""The catalogue: what there is, who may start it, what is wrong with it."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from asci_adminui import asking
from asci_adminui.desk import me, steering
from asci_shared.api.cluster import CatalogueEntry
from asci_shared.api.errors import ApiProblem
from asci_shared.web import inline

pages = Blueprint("environments", __name__)

PATH = "/admin/environments"
_MAY = {
    "all": "everybody may start it",
    "some": "chosen people may start it",
    "image": "as its image says",
}


@pages.get(PATH)
def listed() -> Response:
    """All of them."""
    caller = steering()
    return make_response(
        render_template("environments.html", me=me(), entries=caller.catalogue(), nodes_total=len(caller.nodes()))
    )


@pages.get(f"{PATH}/<name>/<any(allow, disable):question>")
def ask(name: str, question: str) -> Response:
    """Who may start it; or whether to switch it off."""
    return _show(question, _there(name))


@pages.post(f"{PATH}/<name>/enable")
def enable(name: str) -> AnyResponse:
    """People may start it again."""
    entry = _there(name)
    steering().change_environment(name, enabled=True)
    return inline.done(f"“{entry.environment.title}” can be started.", PATH)


@pages.post(f"{PATH}/<name>/disable")
def disable(name: str) -> AnyResponse:
    """Nobody may start it; what runs goes on."""
    entry = _there(name)
    steering().change_environment(name, enabled=False)
    return inline.done(f"“{entry.environment.title}” is switched off.", PATH)


@pages.post(f"{PATH}/<name>/allow")
def allow(name: str) -> AnyResponse:
    """Everybody, only these groups and people, or as its image and the operator's file say."""
    entry = _there(name)
    groups, people = _names("groups"), _names("people")
    who = request.form.get("who", "")
    wish = {"groups": groups, "people": people} if who == "some" else {"groups": [], "people": []}
    if who == "some" and not groups and not people:
        return _show("allow", entry, 422, {"": "Name at least one group or person, or choose everybody."})
    try:
        steering().change_environment(name, allow=None if who == "image" else wish)
    except ApiProblem as problem:
        if problem.status not in {404, 422}:
            raise
        return _show("allow", entry, problem.status, asking.told(problem))
    return inline.done(f"“{entry.environment.title}”: {_MAY.get(who, _MAY['all'])}.", PATH)


def _names(field: str) -> list[str]:
    words = request.form.get(field, "").replace(",", " ").split()
    return list(dict.fromkeys(words))


def _there(name: str) -> CatalogueEntry:
    found = next((entry for entry in steering().catalogue() if entry.environment.name == name), None)
    if found is None:
        raise ApiProblem(404, "unknown-environment", "There is no such environment.")
    return found


def _show(question: str, entry: CatalogueEntry, status: int = 200, errors: dict[str, str] | None = None) -> Response:
    return inline.show(f"dialogs/{question}.html", status, me=me(), entry=entry, errors=errors or {}, form=request.form)
