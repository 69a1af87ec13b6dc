"""Light, dark, or as the system says; the same cookie as the portal's."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from asci_adminui.desk import gate
from asci_shared.web.cookies import Cookies
from asci_shared.web.gate import INLINE
from asci_shared.web.safe_next import safe_next

pages = Blueprint("appearance", __name__)


@pages.post("/admin/theme")
def theme() -> Response:
    """Keeps the choice."""
    response: Response = Response(status=204)
    if INLINE not in request.headers:
        response = redirect(safe_next(request.form.get("next"), "/admin"), 303)
    cookies: Cookies = gate().cookies
    cookies.keep_theme(response, request.form.get("theme", ""))  # type: ignore[arg-type]
    return response
