"""Home: what do I have, what can I start."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from asci_shared.api.client import Api
from asci_shared.api.errors import ApiProblem
from asci_shared.api.models import Environment, Instance, Me
from asci_webui import VERSION
from asci_webui.portal import api
from asci_webui.words import catalogue, states

pages = Blueprint("home", __name__)

PTAG = "HX-PTag"
_RANK = {"running": 0, "placed": 1, "pulling": 1, "starting": 1, "stopping": 1, "queued": 2, "lost": 3, "failed": 3}
_SHARED, _LAST = 4, 5


@dataclass(frozen=True, slots=True)
class Sessions:
    """What stands under "My sessions"."""

    cards: tuple[Instance, ...]
    """Alive or failed: mine first, then shared with me."""
    ended: tuple[Instance, ...]
    """Mine that stopped within the last days, newest first."""
    me: Me
    pace: int
    """Seconds after which the page asks again."""
    tag: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What stands under "Start something new"."""

    environments: tuple[Environment, ...]
    """All of them; the page hides what the search leaves out, so that typing needs no server."""
    shown: frozenset[str]
    text: str
    kind: str


def arrange(
    instances: tuple[Instance, ...], me: str, order: list[str]
) -> tuple[tuple[Instance, ...], tuple[Instance, ...]]:
    """Cards and ended ones.

    Cards: running, starting, queued, failed, then shared with me, each group newest first. Those in ``order`` (what the
    page shows now) keep their place and new ones come behind them, so that no card jumps away from the pointer.
    """
    stopped = [i for i in instances if i.state == "stopped" and i.owner.username == me]
    alive = [i for i in instances if i.state != "stopped"]
    place = {name: number for number, name in enumerate(order)}
    newest_first = sorted(alive, key=lambda i: i.created_at, reverse=True)
    ranked = sorted(newest_first, key=lambda i: (place.get(i.id, len(place)), _rank(i, me)))
    return tuple(ranked), tuple(sorted(stopped, key=lambda i: i.ended_at or i.created_at, reverse=True))


def _rank(instance: Instance, me: str) -> int:
    return _SHARED if instance.owner.username != me else _RANK.get(instance.state, _LAST)


def pace(instances: tuple[Instance, ...]) -> int:
    """Something moves: 1 s; something waits: 3 s; quiet: 10 s."""
    found = {instance.state for instance in instances}
    if found & {*states.STARTING, "stopping"}:
        return 1
    return 3 if found & {"queued", "lost"} else 10


@pages.get("/")
def home() -> AnyResponse:
    """The whole page; ``?q=`` and ``?kind=`` narrow the catalogue without script."""
    return _page(api())


@pages.get("/fragments/sessions")
def sessions_fragment() -> Response:
    """The upper half again: 304 as long as the tag of the API's list holds."""
    caller = api()
    version, _, tag = request.headers.get(PTAG, "").partition(":")
    order = [name for name in request.args.get("order", "").split(",") if name][:200]
    answer = caller.instances(tag if version == VERSION else "")
    if answer.value is None:
        return Response(status=304)
    sessions = _sessions(caller, answer.value, answer.tag, order)
    response = make_response(render_template("fragments/sessions.html", sessions=sessions))
    response.headers[PTAG] = sessions.tag
    return response


@pages.get("/fragments/catalogue")
def catalogue_fragment() -> Response:
    """The lower half again."""
    return make_response(render_template("fragments/catalogue.html", catalogue_view=_catalogue(api()), me=None))


@pages.get("/fragments/notice")
def notice_fragment() -> Response:
    """The operator's notice again."""
    return make_response(render_template("fragments/notice.html", notice=api().notice()))


@pages.post("/start")
def start() -> AnyResponse:
    """Start an environment and go to its page at once; a refusal stands on the home page in words."""
    caller, form = api(), request.form
    try:
        instance = caller.start(
            form.get("environment", ""), form.get("title", ""), form.get("geometry", ""), form.get("key", "")
        )
    except ApiProblem as problem:
        if problem.status >= 500 or problem.status == 401:
            raise
        return _page(caller, refusal=problem)
    return redirect(f"/s/{instance.id}", 303)


def _page(caller: Api, refusal: ApiProblem | None = None) -> AnyResponse:
    answer = caller.instances()
    sessions = _sessions(caller, answer.value or (), answer.tag, [])
    page = render_template(
        "home.html",
        sessions=sessions,
        catalogue_view=_catalogue(caller),
        notice=caller.notice(),
        me=sessions.me,
        refusal=refusal,
        wanted=request.form.get("environment", ""),
    )
    return make_response(page, refusal.status if refusal else 200)


def _sessions(caller: Api, instances: tuple[Instance, ...], tag: str, order: list[str]) -> Sessions:
    me = caller.me()
    cards, ended = arrange(instances, me.username, order)
    return Sessions(cards, ended, me, pace(instances), f"{VERSION}:{tag}")


def _catalogue(caller: Api) -> Catalogue:
    everything = caller.environments()
    text, kind = request.args.get("q", "")[:100], request.args.get("kind", "")
    kind = kind if kind in catalogue.KINDS else ""
    shown = frozenset(e.name for e in everything if catalogue.found(e, text, kind))
    return Catalogue(everything, shown, text, kind)
