"""Whether this process lives and can answer, and what it counted. For the inner network: the edge passes none on."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request
from prometheus_client import CONTENT_TYPE_LATEST

from asci_shared.web import page_metrics

pages = Blueprint("health", __name__)
_FRESH = {"Cache-Control": "no-store"}


@pages.before_request
def _inner_only() -> None:
    if "X-Forwarded-For" in request.headers:
        abort(404)


@pages.get("/health/live")
@pages.get("/health/ready")
def live() -> Response:
    """A service of pages keeps no state: it is ready as soon as it lives."""
    return Response("ok\n", mimetype="text/plain", headers=_FRESH)


@pages.get("/metrics")
def counted() -> Response:
    """Prometheus' text."""
    return Response(page_metrics.exposition(), content_type=CONTENT_TYPE_LATEST, headers=_FRESH)
