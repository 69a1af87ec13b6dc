"""Parts of a request, checked against an operation's schemas: what is unknown or malformed is refused with its name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from flask import Request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from asci_api.domain.errors import InvalidInput, NotFound
from asci_api.http.problems import invalid

MOST_BYTES = 256 * 1024
DRAINED_BYTES = 1024 * 1024
_PATH_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


def read_path(arguments: Mapping[str, str]) -> dict[str, str]:
    """Path parameters; one that no name could be is a thing that does not exist."""
    for value in arguments.values():
        if not _PATH_WORD.fullmatch(value):
            raise NotFound("There is nothing at this address.")
    return dict(arguments)


def read_query(request: Request, schema: Schema) -> dict[str, Any]:
    """The query. Each parameter at most once."""
    repeated = {name: ["Give it once."] for name, values in request.args.lists() if len(values) > 1}
    if repeated:
        raise invalid(ValidationError(repeated), "query")
    return _load(schema, request.args.to_dict(), "query")


def drain(request: Request) -> None:
    """Take in (and forget) up to 1 MiB of a body that nobody read: a connection closed before its sender is done may
    lose the answer on its way."""
    left = DRAINED_BYTES
    while left > 0 and (data := request.environ["wsgi.input"].read(min(left, 64 * 1024))):
        left -= len(data)


def read_body(request: Request, schema: Schema, *, may_be_empty: bool = False) -> dict[str, Any]:
    """The body: one JSON object of at most 256 KiB; none at all is an empty one where it ``may_be_empty``."""
    if may_be_empty and not request.content_length and "Transfer-Encoding" not in request.headers:
        return _load(schema, {}, "body")
    if request.mimetype != "application/json":
        raise InvalidInput(
            "The body must be JSON.", next_step="Send it with Content-Type: application/json.", slug="wrong-media-type"
        )
    data = request.get_data(cache=False)
    if request.content_length is None and len(data) >= MOST_BYTES:
        raise RequestEntityTooLarge  # of a body without a length the framework silently gives no more than the limit
    document = _decode(data)
    if not isinstance(document, dict):
        raise _malformed("The body must be one JSON object.")
    return _load(schema, document, "body")


def _load(schema: Schema, values: dict[str, Any], where: str) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        raise invalid(error, where) from error
    return loaded


def _decode(data: bytes) -> object:
    try:
        document: object = json.loads(data.decode("utf-8"), parse_constant=_refuse)
        if b"\\u" in data:
            json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is no character
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at character {error.pos}.") from error
    except (ValueError, RecursionError) as error:
        raise _malformed("It is no JSON in UTF-8.") from error
    return document


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _malformed(detail: str) -> InvalidInput:
    return InvalidInput("The body cannot be read.", detail=detail, slug="malformed")
