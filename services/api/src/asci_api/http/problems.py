"""The one table from what goes wrong to what is answered: RFC 9457 problem documents."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from flask import Response
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from asci_api.domain.errors import (
    AsciError,
    Changed,
    Conflict,
    EngineAway,
    EngineFault,
    Fenced,
    InvalidInput,
    NeverFits,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Stale,
    TooManyTries,
    Unavailable,
)
from asci_api.http.answers import json_text
from asci_shared.problem import CONTENT_TYPE, Problem

STATUS: dict[type[AsciError], int] = {
    InvalidInput: 422,
    NotSignedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    NeverFits: 422,
    TooManyTries: 429,
    Unavailable: 503,
    Fenced: 503,
    Changed: 409,
    Stale: 412,
    EngineAway: 503,
    EngineFault: 502,
}
"""The nearest class counts."""

_BY_SLUG = {"malformed": 400, "wrong-media-type": 415}
"""Refusals of a request's form, before any verb."""

_HTTP: dict[int, tuple[str, str, str]] = {
    400: ("malformed", "The request cannot be read.", ""),
    404: ("not-found", "There is nothing at this address.", "Look at /api/v1/docs."),
    405: ("method-not-allowed", "This cannot be done with this address.", "Look at /api/v1/docs."),
    413: ("too-large", "The request is too large.", "At most 256 KiB are taken."),
    415: ("wrong-media-type", "The body must be JSON.", "Send it with Content-Type: application/json."),
}
_OWN_WORDS = "Quote the request id to support."


def problem_of(error: AsciError) -> Problem:
    """The problem document of a domain error."""
    status = _BY_SLUG.get(error.slug) or next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    facts = dict(error.facts)
    if isinstance(error, EngineFault):
        facts["hop"] = str(error.hop)
    return Problem(status, error.slug, error.title, error.detail, error.next_step, facts)


def answer_domain(error: AsciError, request_id: str) -> Response:
    """The answer to a domain error, with Retry-After where the wait is known."""
    response = _answer(problem_of(error), request_id)
    if isinstance(error, (TooManyTries, Unavailable)):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, NotSignedIn):
        response.headers["WWW-Authenticate"] = 'Bearer realm="ASCI"'
    return response


def answer_http(error: HTTPException, request_id: str) -> Response:
    """The answer to an error of the web framework: unknown address, wrong method, too large."""
    status = error.code or 500
    phrase = HTTPStatus(status).phrase
    slug, title, next_step = _HTTP.get(status, (phrase.lower().replace(" ", "-"), f"{phrase}.", ""))
    response = _answer(Problem(status, slug, title, next_step=next_step), request_id)
    allowed = error.get_response().headers.get("Allow")
    if allowed:
        response.headers["Allow"] = allowed
    return response


def answer_unexpected(request_id: str) -> Response:
    """The answer to everything that nobody thought of; what it was stands in the log."""
    return _answer(Problem(500, "internal", "ASCI made a mistake.", next_step=_OWN_WORDS), request_id)


def invalid(error: ValidationError, where: str) -> InvalidInput:
    """What marshmallow found wrong, as sentences by field."""
    found = error.messages if isinstance(error.messages, dict) else {"": error.messages}
    fields = dict(_flat("", found))
    names = ", ".join(sorted(fields))
    return InvalidInput(f"The {where} cannot be used.", detail=f"Look at: {names}.", fields=fields)


def _flat(name: str, found: object) -> Iterator[tuple[str, list[str]]]:
    """Inner members as ``weights.cpu``."""
    if isinstance(found, dict):
        for inner, one in found.items():
            yield from _flat(f"{name}.{inner}" if name else str(inner), one)
    else:
        yield name, [str(sentence) for sentence in (found if isinstance(found, list) else [found])]


def _answer(problem: Problem, request_id: str) -> Response:
    return Response(
        json_text(problem.document(request_id)),
        problem.status,
        {"Cache-Control": "no-store"},
        content_type=CONTENT_TYPE,
    )
