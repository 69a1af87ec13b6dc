"""Errors in a person's words: what to show for anything that went wrong behind a page."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.exceptions import HTTPException

from asci_shared import request_id
from asci_shared.api.errors import ApiAway, ApiProblem


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What the page says."""

    status: int
    title: str
    sentence: str
    next_step: str
    request_id: str
    retry: bool = False
    """Whether the page may look again by itself."""


_WORDS = {
    400: ("This form is too old.", "It was made before you signed in, or in another window.", "Go back, load the page "
          "again and repeat it."),
    403: ("This is not open to you.", "Somebody with the right to it can share it with you.", "Go to your sessions."),
    404: ("There is nothing here.", "The address is wrong, or what was here has ended or is no longer shared with you.",
          "Go to your sessions."),
    405: ("This cannot be opened that way.", "The address takes a form.", "Go to your sessions."),
    413: ("That is too much to send.", "The form holds more than ASCI takes.", "Go back and shorten it."),
}  # fmt: skip
_OURS = ("Something went wrong on our side.", "Your desktops keep running.", "Try again. If it happens again, tell "
         "support the number below.")  # fmt: skip


def error_page(error: Exception) -> ErrorPage:
    """The page for an exception; unknown ones become a 500 that tells nothing of the inside."""
    match error:
        case ApiAway():
            return ErrorPage(
                503,
                "ASCI does not answer.",
                "The part that knows your sessions is away for a moment. Your desktops keep running.",
                "This page looks again every few seconds.",
                request_id.current(),
                retry=True,
            )
        case ApiProblem(status=404):
            return _worded(404, error.request_id)
        case ApiProblem() if error.status < 500:
            return ErrorPage(
                error.status, error.title, error.detail, error.next_step, error.request_id or request_id.current()
            )
        case ApiProblem(status=503):
            return ErrorPage(
                503, error.title, error.detail, error.next_step, error.request_id or request_id.current(), retry=True
            )
        case ApiProblem():
            return _worded(500, error.request_id)
        case HTTPException() if error.code:
            return _worded(error.code, "")
    return _worded(500, "")


def _worded(status: int, number: str) -> ErrorPage:
    title, sentence, next_step = _WORDS.get(status, _OURS)
    return ErrorPage(status, title, sentence, next_step, number or request_id.current())
