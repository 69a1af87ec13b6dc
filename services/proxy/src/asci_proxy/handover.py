"""Takes a WebSocket out of aiohttp's hands: 101 by hand on a duplicate of the socket, then its transport is dropped.

Between writing the 101 and dropping the transport nothing is awaited, so aiohttp cannot read a byte that is ours; and
its buffers, parser and request are freed while the connection lives on.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import socket
from typing import Any

from aiohttp import hdrs, web

from asci_proxy import frames, sockets

SUBPROTOCOL = "binary"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class NotAWebSocket(Exception):
    """The request is no proper WebSocket opening handshake (RFC 6455, section 4.2.1)."""


def accept_key(request: web.Request) -> str:
    """The value of ``Sec-WebSocket-Accept``. Raises NotAWebSocket."""
    headers = request.headers
    if (
        "websocket" not in headers.get(hdrs.UPGRADE, "").lower()
        or "upgrade" not in headers.get(hdrs.CONNECTION, "").lower()
    ):
        raise NotAWebSocket("ask with Upgrade: websocket")
    if headers.get(hdrs.SEC_WEBSOCKET_VERSION) != "13":
        raise NotAWebSocket("Sec-WebSocket-Version must be 13")
    key = headers.get(hdrs.SEC_WEBSOCKET_KEY, "")
    try:
        whole = len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        whole = False
    if not whole:
        raise NotAWebSocket("Sec-WebSocket-Key must be 16 bytes in base64")
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()  # noqa: S324  (RFC 6455 fixes it)


def switch_protocols(request: web.Request, accept: str) -> socket.socket | None:
    """Answer 101 and return the socket, the caller's from now on; None when the browser or the last descriptor is gone.

    The caller says something at once: the kernel keeps the answer back for a moment, so that both are one segment.
    """
    return take_socket(request, _answer(request, accept), socket.MSG_MORE)


def take_socket(request: web.Request, answer: bytes, flags: int = 0) -> socket.socket | None:
    """Send the whole ``answer`` and return the socket, as above; None as well where it was not taken at once."""
    transport = request.transport
    if transport is None or transport.is_closing():
        return None
    given: Any = transport.get_extra_info("socket")
    try:
        sock = socket.socket(fileno=os.dup(given.fileno()))
    except OSError:  # no descriptor is left
        transport.abort()
        return None
    try:
        sockets.tune(sock)
        sent = sock.send(answer, flags)
    except OSError:
        sent = 0
    transport.abort()
    if sent < len(answer):
        sock.close()
        return None
    return sock


def _answer(request: web.Request, accept: str) -> bytes:
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept}",
    ]
    offered = request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, [])
    if SUBPROTOCOL in (word.strip() for line in offered for word in line.split(",")):
        lines.append(f"Sec-WebSocket-Protocol: {SUBPROTOCOL}")
    return "\r\n".join([*lines, "", ""]).encode()


class HandedOver(web.StreamResponse):
    """What the handler returns to aiohttp when there is nothing left to answer."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing: the answer is out already, or nobody is there to read it."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing."""


def turn_away(request: web.Request, farewells: sockets.Farewells, accept: str, code: int, reason: str) -> HandedOver:
    """Accept the WebSocket only to close it: the one way in which a page can learn why."""
    sock = switch_protocols(request, accept)
    if sock is not None:
        farewells.leave(sock, frames.close(code, reason))
    return HandedOver()
