"""Whether this process lives and can answer. For the inner network: the edge passes neither on."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

pages = Blueprint("health", __name__, url_prefix="/health")


@pages.before_request
def _inner_only() -> None:
    if "X-Forwarded-For" in request.headers:
        abort(404)


@pages.get("/live")
@pages.get("/ready")
def live() -> Response:
    """The portal keeps no state: it is ready as soon as it lives."""
    return Response("ok\n", mimetype="text/plain", headers={"Cache-Control": "no-store"})
