"""Parts of pages that follow the cluster: asked for again and again, sent only when something changed.

A part's tag is a hash of the part itself, so that whatever it says decides, and nothing else. Nothing in a part may
differ without a reason: times stand as times (the script tells "2 min ago"), and forms with their tokens stay outside.
"""

from __future__ import annotations

import hashlib

from flask import Response, make_response, render_template, request

from asci_adminui import VERSION

TAG = "HX-PTag"


def answer(template: str, **words: object) -> Response:
    """The part, or 304 when the page has it already."""
    html = render_template(template, **words)
    tag = tag_of(html)
    if request.headers.get(TAG) == tag:
        return Response(status=304)
    response = make_response(html)
    response.headers[TAG] = tag
    return response


def tag_of(html: str) -> str:
    """Names a version of a part."""
    return f"{VERSION}-{hashlib.blake2b(html.encode(), digest_size=9).hexdigest()}"
