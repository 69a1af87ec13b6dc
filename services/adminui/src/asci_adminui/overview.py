"""The overview: is all well, what needs somebody, how much is used."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from asci_adminui import live
from asci_adminui.desk import me, steering
from asci_adminui.nodes import cordons
from asci_adminui.words import charts, nodes
from asci_shared.api.cluster import Stats

pages = Blueprint("overview", __name__)

WINDOWS = {"1h": "1 h", "24h": "24 h", "7d": "7 days"}
SHOWN = 50
"""Nodes on the overview; the others are a click away."""


@pages.get("/admin")
def overview() -> Response:
    """The whole page."""
    window = _window()
    stats = steering().stats(window)
    words = {"window": window, "windows": WINDOWS, "tables": charts.tables(stats), **_summary(stats), **_nodes()}
    return make_response(render_template("overview.html", me=me(), **words))


@pages.get("/admin/")
def with_slash() -> AnyResponse:
    """As people type it."""
    return redirect("/admin", 308)


@pages.get("/admin/fragments/overview")
def fragment() -> Response:
    """What needs somebody, and the numbers, again."""
    window = _window()
    return live.answer("fragments/overview.html", window=window, **_summary(steering().stats(window)))


@pages.get("/admin/fragments/overview-nodes")
def nodes_fragment() -> Response:
    """The nodes again."""
    return live.answer("fragments/overview_nodes_table.html", **_nodes())


@pages.get("/admin/series")
def series() -> Response:
    """What the charts draw: columns on one time axis, and their sentences."""
    return jsonify(charts.columns(steering().stats(_window())))


def _window() -> str:
    asked = request.args.get("window", "")
    return asked if asked in WINDOWS else "24h"


def _summary(stats: Stats) -> dict[str, Any]:
    summary = steering().overview()
    return {"summary": summary, "cards": charts.cards(summary, stats)}


def _nodes() -> dict[str, Any]:
    found = sorted(steering().nodes(), key=nodes.by_need)
    return {"found": found[:SHOWN], "more": len(found) - SHOWN, "cordons": cordons(found[:SHOWN])}
