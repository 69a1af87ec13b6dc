"""The audit: who did what to what, when, from where, with which outcome; as a table and as CSV."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request, stream_with_context

from asci_adminui import asking
from asci_adminui.desk import me, steering

pages = Blueprint("audit", __name__)

FILTERS = ("actor", "action", "target", "instance", "outcome", "from", "to")


@pages.get("/admin/audit")
def listed() -> Response:
    """A page, newest first; filters stand in the address."""
    filters = asking.kept(FILTERS)
    cursor = request.args.get("cursor", "")[:400]
    page = steering().audit({**asked(filters), "limit": asking.PAGE, "cursor": cursor})
    return make_response(
        render_template("audit.html", me=me(), page=page, filters=filters, cursor=cursor, address=asking.address)
    )


@pages.get("/admin/audit.csv")
def as_csv() -> Response:
    """Every row that the filters find, as it comes from the API."""
    rows = steering().audit_csv(asked(asking.kept(FILTERS)))
    response = Response(stream_with_context(rows), mimetype="text/csv")
    response.headers["Content-Disposition"] = "attachment; filename=asci-audit.csv"
    return response


def asked(filters: dict[str, str]) -> dict[str, str]:
    """Days become the times at which they begin and end, in UTC."""
    bounds = {"from": "T00:00:00Z", "to": "T23:59:59.999Z"}
    return {
        name: f"{value}{bounds[name]}" if name in bounds and len(value) == 10 else value
        for name, value in filters.items()
    }
