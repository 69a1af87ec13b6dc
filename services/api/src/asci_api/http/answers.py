"""From a handler's answer to bytes: JSON, entity tags, cookies."""

from __future__ import annotations

import hashlib
import json
from itertools import chain

from flask import Response

from asci_api.http.call import Answer, Json, Site


def json_text(document: object) -> str:
    """Compact JSON with readable characters."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def tag_of(document: Json) -> str:
    """A weak entity tag: a hash of the content, without the seconds that pages count themselves."""
    return _tag(json_text(_without_seconds(document)))


def response_of(answer: Answer, site: Site, *, tagged: bool, if_none_match: str, cookie_life: int) -> Response:
    """The answer on the wire; 304 where the asker has the same content already."""
    if answer.stream is not None:
        return _streamed(answer)
    headers = {"Cache-Control": "no-store", **answer.headers}
    body = None if answer.document is None else json_text(answer.document)
    status = answer.status
    if tagged and answer.document is not None and status == 200:
        headers |= {"ETag": _tag_of(answer.document, body or ""), "Cache-Control": "private, no-cache"}
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


def _tag_of(document: Json, text: str) -> str:
    """As :func:`tag_of` of a document whose JSON is known: most have no such seconds."""
    counted = _without_seconds(document)
    return _tag(text if counted is document else json_text(counted))


def _tag(text: str) -> str:
    return f'W/"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'


def _without_seconds(document: Json) -> Json:
    """Of an instance, or of a list of them; itself where nothing counts seconds."""
    items = document.get("items")
    if isinstance(items, list):
        counted = [_uncounted(one) for one in items]
        same = all(one is before for one, before in zip(counted, items, strict=True))
        return document if same else {**document, "items": counted}
    return _uncounted(document)


def _uncounted(one: Json) -> Json:
    progress = one.get("progress")
    if not isinstance(progress, dict):
        return one
    return {**one, "progress": {name: value for name, value in progress.items() if name != "seconds"}}
