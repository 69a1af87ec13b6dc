"""The inward door: health and metrics. The edge never leads here."""

from __future__ import annotations

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from asci_api.domain.ports import Pulse
from asci_api.http.answers import json_text
from asci_api.http.metrics import exposition


def health(pulse: Pulse) -> Blueprint:
    """``/health/live``: the process answers. ``/health/ready``: so do the stores. ``/metrics``: Prometheus' text."""
    routes = Blueprint("health", __name__)

    @routes.get("/health/live")
    def live() -> Response:
        return _said(200, "ok")

    @routes.get("/health/ready")
    def ready() -> Response:
        return _said(200, "ok") if pulse.beats() else _said(503, "unavailable")

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(), content_type=CONTENT_TYPE_LATEST)

    return routes


def _said(status: int, word: str) -> Response:
    return Response(json_text({"status": word}), status, {"Cache-Control": "no-store"}, content_type="application/json")
