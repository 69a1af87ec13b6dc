"""The scheduler: its policy, and what it would do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from asci_adminui import asking, policy_form
from asci_adminui.desk import me, steering
from asci_shared.api.cluster import CatalogueEntry, Explanation
from asci_shared.api.errors import ApiProblem
from asci_shared.web import inline

pages = Blueprint("scheduler", __name__)

CHANGED = 412


@pages.get("/admin/scheduler")
def policy() -> Response:
    """The form as the policy is, and the answer to "what if" where the address asks."""
    return _page()


@pages.post("/admin/scheduler")
def change() -> AnyResponse:
    """The whole policy; refused where somebody changed it since the form was made."""
    before, tag = steering().policy().value or {}, request.form.get("tag", "")
    wish, errors = policy_form.document(request.form, before)
    if errors:
        return _page(request.form.to_dict(), errors, 422)
    try:
        steering().put_policy(wish, tag)
    except ApiProblem as problem:
        if problem.status not in {422, CHANGED}:
            raise
        errors = asking.told(problem) if problem.status != CHANGED else {"": _STALE}
        return _page(request.form.to_dict(), errors, problem.status)
    if inline.asked():
        return inline.done("The policy is in force.", "/admin/scheduler")
    return redirect("/admin/scheduler?saved=1", 303)


_STALE = (
    "Somebody else changed the policy since you opened this page. "
    "What you typed still stands here: look at theirs in another window, then save again."
)


def _page(form: dict[str, str] | None = None, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    caller = steering()
    tagged = caller.policy()
    document = tagged.value or {}
    catalogue = caller.catalogue()
    return make_response(
        render_template(
            "scheduler.html",
            me=me(),
            form=form or policy_form.fields(document),
            rows=policy_form.rows,
            called=policy_form.CALLED,
            revision=document.get("revision", ""),
            tag=tagged.tag,
            errors=errors or {},
            saved="saved" in request.args,
            **_what_if(catalogue),
        ),
        status,
    )


def _what_if(catalogue: tuple[CatalogueEntry, ...]) -> dict[str, Any]:
    wanted = asking.kept(("environment", "person"), 64)
    explanation: Explanation | None = None
    refusal = ""
    if "environment" in wanted:
        try:
            explanation = steering().explain(wanted["environment"], wanted.get("person", ""))
        except ApiProblem as problem:
            if problem.status not in {404, 422}:
                raise
            refusal = " ".join(asking.told(problem).values())
    return {"catalogue": catalogue, "wanted": wanted, "explanation": explanation, "refusal": refusal}
