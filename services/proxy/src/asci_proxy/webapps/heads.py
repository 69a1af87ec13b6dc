"""The head of an application's answer to a WebSocket upgrade (RFC 9112), and the heads that the proxy writes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from multidict import CIMultiDict

MOST_HEAD_BYTES = 64 * 1024
END = b"\r\n\r\n"

_STATUS = re.compile(r"HTTP/1\.[01] ([1-9][0-9]{2})(?: ([^\r\n]*))?")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BROKEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class MalformedHead(Exception):
    """It is not an HTTP/1.1 response's head."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and fields of an answer."""

    status: int
    reason: str
    fields: CIMultiDict[str]


def parse(data: bytes) -> Head:
    """The head in ``data`` (without the empty line at its end). Raises MalformedHead."""
    first, *lines = data.decode("utf-8", "surrogateescape").split("\r\n")
    found = _STATUS.fullmatch(first)
    if found is None:
        raise MalformedHead("no status line")
    fields: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        name, colon, value = line.partition(":")
        value = value.strip(" \t")
        if not colon or not _TOKEN.fullmatch(name) or _BROKEN.search(value):
            raise MalformedHead("malformed field")
        fields.add(name, value)
    return Head(int(found[1]), found[2] or "", fields)


def write(first: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """A head as bytes, the empty line included. Values were checked where they came in."""
    lines = [first, *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")
