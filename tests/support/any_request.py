"""Requests of every shape for every operation of the API: right ones, wrong ones, and nonsense."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from marshmallow import Schema

from asci_api.http.operation import Operation
from asci_api.http.routes import OPERATIONS


@dataclass(frozen=True)
class AnyRequest:
    """One request below ``/api/v1``."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes | None


_TEXT = st.text(max_size=40)
_HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)
_LIKELY = st.sampled_from(
    [
        "desktop",
        "demo",
        "jun",
        "control",
        "view",
        "1280x800",
        "all",
        "mine",
        "running",
        "1",
        "500",
        "2030-01-01T00:00:00Z",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT | _LIKELY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)
_WORD = st.text(st.sampled_from("abcdefghij-_.0123456789%AZ\u00fc"), min_size=1, max_size=30)


def any_request(ids: list[str]) -> st.SearchStrategy[AnyRequest]:
    """Any request; some path parameters are those of things that exist (``ids``)."""
    return st.sampled_from(OPERATIONS).flatmap(lambda operation: _for(operation, ids))


def _for(operation: Operation, ids: list[str]) -> st.SearchStrategy[AnyRequest]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    words = st.sampled_from([*ids, "demo", "jun", "mara", "desktop", "local"]) | _WORD
    return st.builds(
        lambda path, query, headers, body: AnyRequest(operation.method, path, query, headers, body),
        path=st.fixed_dictionaries(dict.fromkeys(names, words)).map(lambda values: operation.path.format(**values)),
        query=_query(operation.query),
        headers=_headers(operation),
        body=_body(operation.body),
    )


def _query(schema: type[Schema] | None) -> st.SearchStrategy[dict[str, str]]:
    known = list(schema().fields) if schema else []
    names = st.sampled_from([*known, "nonsense"])
    return st.dictionaries(names, _TEXT | _LIKELY, max_size=2)


def _headers(operation: Operation) -> st.SearchStrategy[dict[str, str]]:
    known = st.sampled_from(
        [*operation.headers, "If-None-Match", "X-Request-Id", "X-Forwarded-For", "Origin", "Accept"]
    )
    return st.dictionaries(known, _HEADER, max_size=2)


def _body(schema: type[Schema] | None) -> st.SearchStrategy[bytes | None]:
    if schema is None:
        return st.none() | st.binary(max_size=10)
    members: dict[str, Any] = dict.fromkeys(schema().fields, _LIKELY | _JSON)
    whole = st.fixed_dictionaries(members)
    parts = st.fixed_dictionaries({}, optional={**members, "nonsense": _JSON})
    return (whole | parts | _JSON).map(_encoded) | st.binary(max_size=60)


def _encoded(value: object) -> bytes:
    return json.dumps(value).encode()
