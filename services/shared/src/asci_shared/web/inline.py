"""Pages that are also dialogs: one template, shown whole without script and as a part when a script asks.

A form's answer is a redirect for the plain page; for a script it is 204 with a toast, or the part again with its
errors.
"""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from asci_shared.web.gate import INLINE


def asked() -> bool:
    """Whether a script wants a part."""
    return INLINE in request.headers


def show(template: str, status: int = 200, **words: object) -> Response:
    """The template, told by ``inline`` which face to show."""
    return make_response(render_template(template, inline=asked(), **words), status)


def done(toast: str, target: str) -> AnyResponse:
    """It is done: say so in a toast, or go to ``target`` without script."""
    if not asked():
        return redirect(target, 303)
    return Response(status=204, headers={"X-Toast": quote(toast)})
