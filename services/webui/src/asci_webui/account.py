"""One's account: who one is, the password, the theme."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from asci_shared.api.errors import ApiProblem, SignedOut
from asci_shared.web.gate import INLINE
from asci_shared.web.safe_next import safe_next
from asci_webui.portal import api, portal

pages = Blueprint("account", __name__)

_WORDS = {
    "wrong-credentials": ("current", "That is not your current password."),
    "not-repeated": ("repeat", "The two new passwords differ."),
}


@pages.get("/account")
def account() -> Response:
    """Facts about oneself, and the form for a new password."""
    return _page(saved="saved" in request.args)


@pages.post("/account/password")
def change_password() -> Response:
    """A new password; other sign-ins end, this one stays."""
    form = request.form
    try:
        if form.get("new", "") != form.get("repeat", ""):
            raise ApiProblem(422, "not-repeated", "")
        api().change_password(form.get("current", ""), form.get("new", ""))
    except SignedOut:
        raise
    except ApiProblem as problem:
        if problem.status not in {403, 422, 429}:
            raise
        field, sentence = _WORDS.get(problem.slug, ("new", f"{problem.title} {problem.detail}".strip()))
        return _page(errors={field: sentence}, status=problem.status)
    return redirect("/account?saved=1", 303)


@pages.post("/theme")
def theme() -> Response:
    """Light, dark, or as the system says."""
    response: Response = Response(status=204)
    if INLINE not in request.headers:
        response = redirect(safe_next(request.form.get("next")), 303)
    portal().gate.cookies.keep_theme(response, request.form.get("theme", ""))  # type: ignore[arg-type]
    return response


def _page(errors: dict[str, str] | None = None, saved: bool = False, status: int = 200) -> Response:
    return make_response(render_template("account.html", me=api().me(), errors=errors or {}, saved=saved), status)
