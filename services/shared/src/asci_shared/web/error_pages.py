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
    400: (
        "This form is too old.",
        "It was made before you signed in, or in another window.",
        "Go back, load the page again and repeat it.",
    ),
    403: ("This is not open to you.", "Somebody with the right to it can share it with you.", "Go to your sessions."),
    404: (
        "There is nothing here.",
        "The address is wrong, or what was here has ended or is no longer shared with you.",
        "Go to your sessions.",
    ),
    405: ("This cannot be opened that way.", "The address takes a form.", "Go to your sessions."),
    413: ("That is too much to send.", "The form holds more than ASCI takes.", "Go back and shorten it."),
}
_AWAY = (
    "ASCI does not answer.",
    "The part that knows your sessions is away for a moment. Your desktops keep running.",
    "This page looks again every few seconds.",
)
_OURS = (
    "Something went wrong on our side.",
    "Your desktops keep running.",
    "Try again. If it happens again, tell support the number below.",
)


def error_page(error: Exception) -> ErrorPage:
    """The page for an exception; unknown ones become a 500 that tells nothing of the inside."""
    match error:
        case ApiAway():
            return ErrorPage(503, *_AWAY, request_id.current(), retry=True)
        case ApiProblem():
            return _told(error)
        case HTTPException() if error.code:
            return _worded(error.code, "")
    return _worded(500, "")


def _told(problem: ApiProblem) -> ErrorPage:
    """The API's own words, but for a 404 and for what is not the person's business."""
    if problem.status == 404 or (problem.status >= 500 and problem.status != 503):
        return _worded(404 if problem.status == 404 else 500, problem.request_id)
    number = problem.request_id or request_id.current()
    words = (problem.title, problem.detail, problem.next_step)
    return ErrorPage(problem.status, *words, number, retry=problem.status == 503)


def _worded(status: int, number: str) -> ErrorPage:
    title, sentence, next_step = _WORDS.get(status, _OURS)
    return ErrorPage(status, title, sentence, next_step, number or request_id.current())
