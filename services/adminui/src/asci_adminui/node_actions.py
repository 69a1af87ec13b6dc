"""What administrators do with a node: cordon, drain, let it work again, label, register, remove, give up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from asci_adminui import asking, node_forms
from asci_adminui.desk import me, steering
from asci_adminui.nodes import owners
from asci_shared.api.cluster import Node
from asci_shared.api.errors import ApiProblem
from asci_shared.web import inline
from asci_shared.web.words.numbers import utc

pages = Blueprint("node_actions", __name__)

DEADLINES = {
    "": "None: it waits for the last session",
    "1": "In 1 hour",
    "4": "In 4 hours",
    "8": "In 8 hours",
    "24": "In a day",
    "72": "In 3 days",
    "168": "In a week",
}
_REASON = 200
_REFUSALS = {404, 409, 422}


@pages.get("/admin/nodes/<name>/<any(cordon, drain, labels, remove, gone):question>")
def ask(name: str, question: str) -> Response:
    """The question or form, with whom it touches."""
    return _show(question, steering().node(name))


@pages.post("/admin/nodes/<name>/cordon")
def cordon(name: str) -> AnyResponse:
    """Nothing new comes to it; what runs goes on."""
    return _change(name, "cordon", f"{name} takes no new sessions.", state="cordoned", reason=_reason())


@pages.post("/admin/nodes/<name>/activate")
def activate(name: str) -> AnyResponse:
    """It takes new sessions again."""
    return _change(name, "cordon", f"{name} takes new sessions again.", state="active")


@pages.post("/admin/nodes/<name>/drain")
def drain(name: str) -> AnyResponse:
    """Nothing new, its people are told, and what is left ends at the deadline."""
    hours = request.form.get("deadline", "")
    until = datetime.now(UTC) + timedelta(hours=int(hours)) if hours in DEADLINES and hours else None
    facts = {"state": "draining", "deadline": utc(until) if until else None, "reason": _reason()}
    return _change(name, "drain", f"{name} is being emptied.", **facts)


@pages.post("/admin/nodes/<name>/labels")
def labels(name: str) -> AnyResponse:
    """Labels, taints and how much is promised of it."""
    node = steering().node(name)
    wish, errors = node_forms.labelled(request.form, node)
    if errors:
        return _show("labels", node, 422, errors)
    return _change(name, "labels", f"{name} is changed.", **wish)


@pages.post("/admin/nodes/<name>/gone")
def gone(name: str) -> AnyResponse:
    """It will not come back: its sessions end, its GPUs are free."""
    return _change(name, "gone", f"{name} is declared gone.", gone=True)


@pages.post("/admin/nodes/<name>/remove")
def remove(name: str) -> AnyResponse:
    """Forget it."""
    node = steering().node(name)
    return _try("remove", node, lambda: steering().remove_node(name), f"{name} is removed.", "/admin/nodes")


@pages.get("/admin/register-node")
def register_form() -> Response:
    """What a new node needs."""
    return inline.show("dialogs/register.html", me=me(), form=request.args, errors={})


@pages.post("/admin/register-node")
def register() -> AnyResponse:
    """A new node."""
    wish, errors = node_forms.registered(request.form)
    if not errors:
        try:
            steering().register(wish)
        except ApiProblem as problem:
            if problem.status not in _REFUSALS:
                raise
            errors = asking.told(problem)
    if errors:
        return inline.show("dialogs/register.html", 422, me=me(), form=request.form, errors=errors)
    return inline.done(f"{wish['name']} is registered.", f"/admin/nodes/{wish['name']}")


def _reason() -> str:
    return " ".join(request.form.get("reason", "").split())[:_REASON]


def _change(name: str, question: str, done: str, **changes: Any) -> AnyResponse:
    node = steering().node(name)
    return _try(question, node, lambda: steering().change_node(name, **changes), done, f"/admin/nodes/{name}")


def _try(question: str, node: Node, act: Callable[[], object], done: str, target: str) -> AnyResponse:
    try:
        act()
    except ApiProblem as problem:
        if problem.status not in _REFUSALS:
            raise
        return _show(question, node, problem.status, asking.told(problem))
    return inline.done(done, target)


def _show(question: str, node: Node, status: int = 200, errors: dict[str, str] | None = None) -> Response:
    page = steering().instances({"node": node.name, "limit": asking.PAGE})
    sessions = tuple(one for one in page.items if one.state not in {"stopped", "failed"})
    return inline.show(
        f"dialogs/{question}.html",
        status,
        me=me(),
        node=node,
        sessions=len(sessions),
        touched=owners(sessions),
        more=bool(page.next_cursor),
        deadlines=DEADLINES,
        form=request.form,
        given=node_forms.text_of(node, request.form),
        errors=errors or {},
    )
