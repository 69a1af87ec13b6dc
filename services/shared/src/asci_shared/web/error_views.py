"""Errors as pages, in a person's words. A service has its own ``error.html`` and shares ``error_part.html``."""

from __future__ import annotations

from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from asci_shared.api.errors import ApiAway, ApiProblem
from asci_shared.logging import get_logger
from asci_shared.web.error_pages import error_page
from asci_shared.web.gate import INLINE

log = get_logger(__name__)


def install(app: Flask) -> None:
    """Every exception that no view caught becomes a page."""
    app.register_error_handler(Exception, show)


def show(error: Exception) -> Response:
    """The error's page; for scripts its sentence alone."""
    page = error_page(error)
    if page.status >= 500:
        _tell(error, page.status)
    template = "error_part.html" if request.headers.get(INLINE) or request.headers.get("HX-Request") else "error.html"
    response = make_response(render_template(template, page=page), page.status)
    if page.retry:
        response.headers["Retry-After"] = "3"
    return response


def _tell(error: Exception, status: int) -> None:
    facts = {"path": request.path, "status": status, "error": type(error).__name__, "text": str(error)[:200]}
    if isinstance(error, ApiAway | ApiProblem | HTTPException):
        log.warning("page.api_failed", **facts)
    else:
        log.exception("page.failed", **facts)  # noqa: LOG004 - called by Flask's handler of the exception
