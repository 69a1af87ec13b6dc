"""People: what they use, what they may use, where they are signed in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from asci_adminui import asking, live
from asci_adminui.desk import me, steering
from asci_shared.api.cluster import Account
from asci_shared.api.errors import ApiProblem
from asci_shared.web import inline

pages = Blueprint("people", __name__)

PATH = "/admin/people"


@pages.get(PATH)
def listed() -> Response:
    """A page of them; the search stands in the address."""
    return make_response(render_template("people.html", me=me(), **_listing()))


@pages.get("/admin/fragments/people")
def listed_again() -> Response:
    """The table again."""
    return live.answer("fragments/people.html", **_listing())


@pages.get(f'{PATH}/<username>/<any(quota, "sign-ins"):question>')
def ask(username: str, question: str) -> Response:
    """How much she may use; or whether to sign her out everywhere."""
    return _show(question, _there(username))


@pages.post(f"{PATH}/<username>/quota")
def quota(username: str) -> AnyResponse:
    """Her own quota, or the policy's again."""
    account = _there(username)
    own = request.form.get("whose") == "own"
    amounts = {kind: _amount(request.form.get(kind, "")) for kind in ("sessions", "gpus")} if own else None
    if amounts and any(value is not None and value < 0 for value in amounts.values()):
        return _show("quota", account, 422, {"": "Whole numbers from 0 up; empty for as many as there are."})
    try:
        steering().set_quota(username, amounts)
    except ApiProblem as problem:
        if problem.status not in {404, 422}:
            raise
        return _show("quota", account, problem.status, asking.told(problem))
    return inline.done(f"The quota of {account.name} is changed.", PATH)


@pages.post(f"{PATH}/<username>/sign-ins")
def end_sign_ins(username: str) -> AnyResponse:
    """Signs her out everywhere; her sessions go on."""
    account = _there(username)
    steering().end_sign_ins(username)
    return inline.done(f"{account.name} is signed out everywhere.", PATH)


def _amount(text: str) -> int | None:
    """None for empty; below 0 for what is no number."""
    text = text.strip()
    if not text:
        return None
    return int(text) if text.isdigit() else -1


def _listing() -> dict[str, Any]:
    filters = asking.kept(("q",))
    cursor = request.args.get("cursor", "")[:400]
    page = steering().accounts({**filters, "limit": asking.PAGE, "cursor": cursor})
    return {"page": page, "filters": filters, "cursor": cursor, "address": asking.address}


def _there(username: str) -> Account:
    found = steering().accounts({"q": username, "limit": asking.PAGE}).items
    account = next((one for one in found if one.username == username), None)
    if account is None:
        raise ApiProblem(404, "unknown-person", "There is no such person.")
    return account


def _show(question: str, account: Account, status: int = 200, errors: dict[str, str] | None = None) -> Response:
    template = {"quota": "dialogs/quota.html", "sign-ins": "dialogs/sign_ins.html"}[question]
    return inline.show(template, status, me=me(), account=account, errors=errors or {}, form=request.form)
