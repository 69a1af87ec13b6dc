"""Steps that the overview offers: asked for once more, then taken as the API named them."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from asci_adminui.desk import me, steering
from asci_adminui.words import concerns
from asci_shared.api.cluster import Concern, Step
from asci_shared.api.errors import ApiProblem
from asci_shared.web import inline

pages = Blueprint("concerns", __name__)


@pages.get("/admin/concerns/<digest>")
def question(digest: str) -> AnyResponse:
    """Says what would be done, and how many people it touches."""
    concern, _ = _found(digest)
    return inline.show("dialogs/concern.html", me=me(), concern=concern, error="")


@pages.post("/admin/concerns/<digest>")
def take(digest: str) -> AnyResponse:
    """Does it."""
    concern, step = _found(digest)
    try:
        steering().take(step)
    except ApiProblem as problem:
        if problem.status not in {404, 409, 422}:
            raise
        error = f"{problem.title} {problem.detail}".strip()
        return inline.show("dialogs/concern.html", problem.status, me=me(), concern=concern, error=error)
    return inline.done("Done.", "/admin")


def _found(digest: str) -> tuple[Concern, Step]:
    for concern in steering().overview().attention:
        if concern.action and concerns.digest(concern) == digest:
            return concern, concern.action
    raise ApiProblem(404, "no-concern", "This no longer needs anybody.")
