"""From a handler's answer to bytes: JSON, entity tags, cookies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import chain
from typing import Any

from flask import Response

from asci_api.http.call import Answer, Json, Site


def json_text(document: object) -> str:
    """Compact JSON with readable characters."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def tag_of(document: Json) -> str:
    """A weak entity tag: a hash of the content, without the seconds that pages count themselves."""
    text = json.dumps(_without_seconds(document), sort_keys=True, separators=(",", ":"))
    return f'W/"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'


def response_of(answer: Answer, site: Site, *, tagged: bool, if_none_match: str, cookie_life: int) -> Response:
    """The answer on the wire; 304 where the asker has the same content already."""
    if answer.stream is not None:
        return _streamed(answer)
    headers = {"Cache-Control": "no-store", **answer.headers}
    body = None if answer.document is None else json_text(answer.document)
    status = answer.status
    if tagged and answer.document is not None and status == 200:
        headers |= {"ETag": tag_of(answer.document), "Cache-Control": "private, no-cache"}
        if matches(if_none_match, headers["ETag"]):
            body, status = None, 304
    response = Response(body, status, headers, content_type="application/json")
    if body is None:
        response.headers.pop("Content-Type", None)
    _set_cookie(response, answer, site, cookie_life)
    return response


def _streamed(answer: Answer) -> Response:
    stream = answer.stream or iter(())
    first = next(stream, "")
    return Response(chain([first], stream), answer.status, dict(answer.headers), content_type=answer.content_type)


def matches(if_none_match: str, tag: str) -> bool:
    """RFC 9110, section 13.1.2, by weak comparison."""
    opaque = tag.removeprefix("W/")
    given = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return opaque in given or "*" in given


def _set_cookie(response: Response, answer: Answer, site: Site, life: int) -> None:
    if answer.cookie:
        response.set_cookie(
            site.cookie, answer.cookie, max_age=life, path="/", secure=site.secure, httponly=True, samesite="Lax"
        )
    elif answer.cookie is not None:
        response.delete_cookie(site.cookie, path="/", secure=site.secure, httponly=True, samesite="Lax")


def _without_seconds(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_seconds(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    progress = value.get("progress")
    if isinstance(progress, Mapping):
        value = {**value, "progress": {name: one for name, one in progress.items() if name != "seconds"}}
    return {name: _without_seconds(one) for name, one in value.items()}
