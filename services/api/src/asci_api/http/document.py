"""The OpenAPI 3 document, made from the operations and their schemas."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin, resolver
from marshmallow import Schema

from asci_api.http.answered import ProblemDocument
from asci_api.http.operation import Operation, Outcome
from asci_api.http.routes import OPERATIONS, PREFIX
from asci_shared.problem import CONTENT_TYPE

VERSION = "1.0"
_INTRODUCTION = """\
ASCI starts desktops in containers, shares them and stops them. Sign in with `POST /sessions` and send the token as
`Authorization: Bearer …`. The portal's pages send it as a cookie; their unsafe calls need the portal's `Origin` and the
header `X-ASCI: 1`.

Times are RFC 3339 in UTC, sizes bytes, CPUs cores. Unknown members and parameters are refused. Lists come in pages:
repeat the call with `cursor` = `next_cursor` until it is null. Answers with an `ETag` give 304 to `If-None-Match`.
Errors are `application/problem+json` (RFC 9457); `request_id` is the same in every log."""

_PROBLEMS = {
    400: "The body cannot be read.",
    401: "Not signed in (`signed-out`), or name and password do not match (`wrong-credentials`).",
    403: "Not allowed, or an unsafe call by cookie that did not come from the portal's pages (`wrong-origin`).",
    404: "There is no such thing, or the caller may not know of it.",
    409: "Not in a state for this.",
    412: "What was read is no longer what stands (`stale`); nothing was changed.",
    413: "The body is larger than 256 KiB.",
    415: "The body is not `application/json`.",
    422: "A member or parameter is unknown or cannot be used; `fields` says why.",
    429: "Too many tries; `Retry-After` says when the next is allowed.",
    503: "A part is away or being restored; nothing was changed. `Retry-After` says when to come back.",
}
_TAGS = {
    "People": "Signing in, who one is, whom one may share with.",
    "Environments": "The catalogue.",
    "Instances": "Running environments; the pages call them sessions.",
    "Connections": "The way to a desktop's screen.",
    "Shares": "Other people's rights.",
    "Nodes": "Machines with a Docker Engine (admins).",
    "Scheduler": "How instances are placed (admins).",
    "Everybody": "People, as admins see them.",
    "Audit": "Who did what (admins).",
    "Charts": "What goes on (admins).",
    "Notice": "The operator's word to everybody.",
}


def openapi_document(operations: Iterable[Operation] = OPERATIONS) -> dict[str, Any]:
    """The document as a JSON object; always the same for the same code."""
    spec = APISpec(
        title="ASCI",
        version=VERSION,
        openapi_version="3.0.3",
        info={"description": _INTRODUCTION},
        servers=[{"url": PREFIX}],
        tags=[{"name": name, "description": sentence} for name, sentence in _TAGS.items()],
        plugins=[MarshmallowPlugin(schema_name_resolver=_name_of)],
    )
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme("cookie", {"type": "apiKey", "in": "cookie", "name": "asci"})
    for operation in operations:
        spec.path(operation.path, operations={operation.method.lower(): _describe(operation)})
    return spec.to_dict()


def _name_of(schema: type[Schema]) -> str:
    name: str = resolver(schema)
    return name.removesuffix("Document") or name


def _describe(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
        "security": [] if operation.open else [{"bearer": []}, {"cookie": []}],
    }
    if more := _more(operation):
        told["description"] = more
    if operation.body:
        told["requestBody"] = {
            "required": not operation.may_be_empty,
            "content": {"application/json": {"schema": operation.body}},
        }
    return told


def _more(operation: Operation) -> str:
    """The handler's docstring after its first line, as one paragraph."""
    _, _, rest = (operation.handler.__doc__ or "").partition("\n")
    return " ".join(rest.split())


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [
        {"in": "path", "name": name, "required": True, "schema": {"type": "string", "maxLength": 64}}
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]
    told += [
        {"in": "header", "name": name, "description": sentence, "schema": {"type": "string", "maxLength": 128}}
        for name, sentence in operation.headers.items()
    ]
    if operation.tagged:
        sentence = "The ETag of what one has: 304 if it still holds."
        told.append({"in": "header", "name": "If-None-Match", "description": sentence, "schema": {"type": "string"}})
    if operation.query:
        told.append({"in": "query", "schema": operation.query})
    return told


def _responses(operation: Operation) -> dict[str, Any]:
    told = {str(status): _outcome(outcome, operation) for status, outcome in sorted(operation.outcomes.items())}
    if operation.tagged:
        told["304"] = {"description": "Nothing new."}
    for status in sorted({*operation.problems, *_of_every(operation)}):
        content = {CONTENT_TYPE: {"schema": ProblemDocument}}
        told[str(status)] = {"description": _PROBLEMS[status], "content": content}
    return told


def _of_every(operation: Operation) -> set[int]:
    statuses = {422, 503}
    if not operation.open:
        statuses |= {401} if operation.method == "GET" else {401, 403}
    if operation.body:
        statuses |= {400, 413, 415}
    if operation.open and operation.body:
        statuses |= {403}
    return statuses


def _outcome(outcome: Outcome, operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {"description": outcome.sentence}
    if outcome.schema:
        told["content"] = {"application/json": {"schema": outcome.schema}}
    if outcome.other:
        told["content"][outcome.other] = {"schema": {"type": "string"}}
    headers = dict(outcome.headers)
    if operation.tagged and outcome.schema:
        headers["ETag"] = "Weak; the same as long as the content is."
    if headers:
        told["headers"] = {
            name: {"description": sentence, "schema": {"type": "string"}} for name, sentence in headers.items()
        }
    return told
