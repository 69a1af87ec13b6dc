"""Header fields on their way through the proxy. Pure.

What belongs to one connection stays on it (RFC 9110, section 7.6.1); what only ASCI may say is said by ASCI alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from multidict import CIMultiDict, CIMultiDictProxy

from asci_proxy.webapps import cookies

Fields = CIMultiDictProxy[str] | CIMultiDict[str]

HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_SAID_BY_US = frozenset(
    {
        "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port",
        "x-forwarded-server", "x-forwarded-prefix", "x-real-ip", "x-request-id", "x-original-url", "x-rewrite-url",
        "expect", "cookie", "host", "http2-settings",
    }
)  # fmt: skip
"""Of a browser's request: made anew or left out."""
_NOT_FOR_BROWSERS = frozenset({"set-cookie", "alt-svc", "clear-site-data", "x-request-id"})
"""Of an application's answer: made anew or left out. ``Clear-Site-Data`` reaches the portal's cookies where it shares a
site with the applications; ``Alt-Svc`` would lead past the edge."""
_OUR_PREFIX = "x-asci-"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def request_up(given: Fields, said: Mapping[str, str]) -> CIMultiDict[str]:
    """What the application gets of a browser's fields, and what ASCI says (``said``: Host, X-Forwarded-*, secret)."""
    fields = _passed(given, _SAID_BY_US)
    cookie = cookies.for_app(given.getall("Cookie", []))
    if cookie:
        fields.add("Cookie", cookie)
    fields.update(said)
    return fields


def response_down(given: Fields) -> CIMultiDict[str]:
    """What the browser gets of an application's fields."""
    fields = _passed(given, _NOT_FOR_BROWSERS)
    for line in given.getall("Set-Cookie", []):
        kept = cookies.from_app(sendable(line))
        if kept is not None:
            fields.add("Set-Cookie", kept)
    fields.setdefault("Referrer-Policy", "same-origin")
    return fields


def is_whole(fields: Fields) -> bool:
    """Whether every value may be sent on: a control character is no part of one (RFC 9110, section 5.5)."""
    return not any(_CONTROL.search(value) for value in fields.values())


def sendable(value: str) -> str:
    """A value whose bytes are no UTF-8 (surrogates after decoding), read as Latin-1: nothing else can be sent on."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value


def _passed(given: Fields, left_out: frozenset[str]) -> CIMultiDict[str]:
    named = {word.strip().lower() for line in given.getall("Connection", []) for word in line.split(",")}
    fields: CIMultiDict[str] = CIMultiDict()
    for name, value in given.items():
        # WSGI and CGI read an underscore as a dash: X_ASCI_Upstream would be as good as X-ASCI-Upstream
        plain = name.lower().replace("_", "-")
        if not (plain in HOP_BY_HOP or plain in left_out or plain in named or plain.startswith(_OUR_PREFIX)):
            fields.add(name, sendable(value))
    return fields


def wants_page(fields: Mapping[str, str]) -> bool:
    """Whether a person looks at the answer: a navigation, as far as the browser tells."""
    destination = fields.get("Sec-Fetch-Dest")
    if destination is not None:
        return destination in {"document", "iframe", "frame"}
    return "text/html" in fields.get("Accept", "")


def is_background(method: str, fields: Mapping[str, str]) -> bool:
    """Whether script may ask by itself, as far as the browser tells: an open page polls with nobody there."""
    return method in {"GET", "HEAD"} and fields.get("Sec-Fetch-Dest") in {"empty", "websocket"}


def is_upgrade(fields: Fields) -> bool:
    """Whether a WebSocket is asked for (RFC 6455, section 4.2.1)."""
    words = _words(fields.getall("Connection", []))
    return "upgrade" in words and "websocket" in _words(fields.getall("Upgrade", []))


def _words(lines: Iterable[str]) -> set[str]:
    return {word.strip().lower() for line in lines for word in line.split(",")}
