"""Signing in and out."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from asci_shared.api.errors import ApiAway, ApiProblem, SignedOut
from asci_shared.web.safe_next import safe_next
from asci_webui.portal import portal

pages = Blueprint("signing_in", __name__)

_REASONS = {
    "idle": "You were signed out because you did not use ASCI for a while. Your desktops keep running.",
    "ended": "Your sign-in ended. Your desktops keep running.",
    "out": "You are signed out. Your desktops keep running.",
    "password": "Your password is changed. Sign in with the new one.",
}


@pages.get("/sign-in")
def sign_in() -> Response:
    """The form, with the reason one is here."""
    return _form(reason=_REASONS.get(request.args.get("reason", ""), ""), target=request.args.get("next"))


@pages.post("/sign-in")
def enter() -> Response:
    """Ask the API for a token and keep it as the cookie."""
    username, target = request.form.get("username", "").strip(), request.form.get("next")
    gate = portal().gate
    try:
        fresh = gate.visitor_api().sign_in(username, request.form.get("password", ""))
    except ApiProblem as problem:
        if problem.status >= 500:
            raise
        wait = problem.facts.get("retry_after", 0) if problem.status == 429 else 0
        title = problem.title if problem.status in {401, 429} else "Name and password do not match."
        return _form(error=title, wait=int(wait or 0), username=username, target=target, status=problem.status)
    response = redirect(safe_next(target), 303)
    gate.welcome(response, fresh.token, fresh.expires_at)  # type: ignore[arg-type]
    return response


@pages.post("/sign-out")
def sign_out() -> Response:
    """End the token, forget the cookie; the browser forgets its pictures."""
    gate = portal().gate
    with suppress(SignedOut, ApiAway):  # dead or out of reach: the cookie goes, and an unused token ends by itself
        gate.api().sign_out()
    response = redirect("/sign-in?reason=out", 303)
    gate.cookies.drop_token(response)  # type: ignore[arg-type]
    return response


def _form(
    *, reason: str = "", error: str = "", wait: int = 0, username: str = "", target: str | None, status: int = 200
) -> Response:
    page = render_template(
        "sign_in.html", why=reason, error=error, wait=wait, username=username, target=safe_next(target)
    )
    return make_response(page, status)
