"""What every page has at hand: the gate, the API as the administrator who asks, and who she is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import Flask, Response, current_app, g, make_response, render_template, request

from asci_shared.api.errors import ApiAway, ApiProblem
from asci_shared.api.models import Me
from asci_shared.api.steering import Steering
from asci_shared.web.gate import INLINE, Gate

_NAME = "asci_desk"
_OPEN = ("/health/", "/metrics", "/static/")


@dataclass(frozen=True, slots=True)
class Desk:
    """Carried by the app."""

    gate: Gate


def install(app: Flask, gate: Gate) -> None:
    """Nobody but administrators passes; must come after the gate."""
    app.extensions[_NAME] = Desk(gate)
    app.before_request(_admit)
    app.jinja_env.globals["down_count"] = _down_count


def gate() -> Gate:
    """The gate of the app that answers."""
    return cast(Desk, current_app.extensions[_NAME]).gate


def steering() -> Steering:
    """The API as the person who asks. Raises SignedOut without a sign-in."""
    if "steering" not in g:
        g.steering = Steering(gate().api())
    return cast(Steering, g.steering)


def me() -> Me:
    """The administrator who asks."""
    return cast(Me, g.me)


def _admit() -> Response | None:
    if request.path.startswith(_OPEN):
        return None
    g.me = steering().api.me()
    if g.me.is_admin:
        return None
    part = request.headers.get(INLINE) or request.headers.get("HX-Request")
    return make_response(render_template("refused_part.html" if part else "refused.html", me=g.me), 403)


def _down_count() -> int:
    """How many nodes are down, for the navigation of every page; 0 where the API does not say."""
    try:
        return int(steering().overview().nodes.get("down", 0))
    except (ApiAway, ApiProblem):
        return 0
