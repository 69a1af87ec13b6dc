"""Nodes: all of them, and each with what it has, holds and did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from asci_adminui import asking, live
from asci_adminui.desk import me, steering
from asci_adminui.words import nodes, spark
from asci_shared.api.cluster import Node, NodeSeries
from asci_shared.api.errors import ApiProblem
from asci_shared.api.models import Instance

pages = Blueprint("nodes", __name__)

FILTERS = ("q", "state")


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of the nodes that a search finds."""

    shown: tuple[Node, ...]
    found: int
    of: int
    first: int
    """Number of the first one shown, from 0."""


@pages.get("/admin/nodes")
def listed() -> Response:
    """The table, with search and filter in the address."""
    return make_response(render_template("nodes.html", me=me(), **_listing()))


@pages.get("/admin/fragments/nodes")
def listed_again() -> Response:
    """The table again."""
    return live.answer("fragments/nodes.html", **_listing())


@pages.get("/admin/nodes/<name>")
def one(name: str) -> Response:
    """One node."""
    return make_response(render_template("node.html", me=me(), **_node(name)))


@pages.get("/admin/fragments/nodes/<name>")
def one_again(name: str) -> Response:
    """One node again."""
    return live.answer("fragments/node.html", **_node(name))


def _listing() -> dict[str, Any]:
    filters = asking.kept(FILTERS)
    everything = sorted(steering().nodes(), key=nodes.by_need)
    found = [node for node in everything if nodes.fits(node, filters.get("q", ""), filters.get("state", ""))]
    first = max(0, request.args.get("first", 0, type=int))
    listing = Listing(tuple(found[first : first + asking.PAGE]), len(found), len(everything), first)
    return {"listing": listing, "filters": filters, "address": asking.address, "cordons": cordons(listing.shown)}


def _node(name: str) -> dict[str, Any]:
    caller = steering()
    node = caller.node(name)
    page = caller.instances({"node": name, "limit": asking.PAGE})
    return {
        "node": node,
        "sessions": tuple(instance for instance in page.items if instance.state not in {"stopped", "failed"}),
        "more": bool(page.next_cursor),
        "sparks": _sparks(name),
        "cordons": cordons([node]),
    }


def _sparks(name: str) -> dict[str, spark.Spark]:
    """The last day of the node in lines; none where the series are not there yet."""
    try:
        series = steering().stats("24h").nodes.get(name)
    except ApiProblem as problem:
        if problem.status != 404:
            raise
        series = None
    return _drawn(series) if series else {}


def _drawn(series: NodeSeries) -> dict[str, spark.Spark]:
    most = max((value for value in series.instances if value is not None), default=0)
    return {
        "cpu": spark.draw(series.cpu, 1.0),
        "memory": spark.draw(series.memory, 1.0),
        "instances": spark.draw(series.instances, most or 1.0),
    }


def cordons(found: Iterable[Node]) -> dict[str, str]:
    """Who took which node out, and why: the audit knows. One question, and none where no node is cordoned."""
    names = {node.name for node in found if node.wanted == "cordoned"}
    if not names:
        return {}
    deeds = steering().audit(
        {"action": "node.cordon", "limit": 200, **({"target": names.pop()} if len(names) == 1 else {})}
    )
    return {deed.target: nodes.cordon_note(deed) for deed in reversed(deeds.items)}


def owners(sessions: tuple[Instance, ...]) -> int:
    """How many people they belong to."""
    return len({instance.owner.username for instance in sessions})
