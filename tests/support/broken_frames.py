"""WebSocket bytes that no honest client sends, over a plain socket that was upgraded honestly (RFC 6455)."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import struct
import time
from urllib.parse import urlsplit

WENT_WITHOUT_A_WORD = 1006
STILL_OPEN = 0


def upgraded(url: str, path: str, token: str) -> socket.socket:
    """A socket right behind the 101. Raises ConnectionError when the answer is another."""
    at = urlsplit(url)
    opened = socket.create_connection((at.hostname or "", at.port or 80), timeout=10)
    key = base64.b64encode(os.urandom(16)).decode()
    opened.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: {url}\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n"
        f"Cookie: asci={token}\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        more = opened.recv(1)
        if not more:
            break
        head += more
    if not head.startswith(b"HTTP/1.1 101"):
        opened.close()
        raise ConnectionError(f"the upgrade was answered with {head[:60]!r}")
    return opened


def frame(
    payload: bytes, *, opcode: int = 2, final: bool = True, reserved: int = 0, masked: bool = True, mask: bytes = b""
) -> bytes:
    """One frame, honest by default; anything may be made wrong. Without a ``mask`` of its own it gets a random one."""
    first = (final << 7) | (reserved << 4) | opcode
    length = len(payload)
    sizes = bytes([length]) if length < 126 else b"\x7e" + struct.pack(">H", length) if length < 1 << 16 else b""
    sizes = sizes or b"\x7f" + struct.pack(">Q", length)
    if not masked:
        return bytes([first]) + sizes + payload
    mask = mask or os.urandom(4)
    repeated = (mask * (length // 4 + 1))[:length]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
    return bytes([first, sizes[0] | 0x80]) + sizes[1:] + mask + body


def close_code(opened: socket.socket, *, within: float = 10.0) -> int:
    """Reads to the end: the code of the last close frame, WENT_WITHOUT_A_WORD, or STILL_OPEN. Closes the socket."""
    data, deadline = b"", time.monotonic() + within
    with contextlib.closing(opened):
        while (left := deadline - time.monotonic()) > 0:
            opened.settimeout(left)
            try:
                more = opened.recv(1 << 16)
            except TimeoutError:
                return STILL_OPEN
            except ConnectionError:
                break
            if not more:
                break
            data += more
        else:
            return STILL_OPEN
    return _last_close(data)


def _last_close(data: bytes) -> int:
    """Server frames are not masked; so walk over them."""
    at = 0
    while at + 2 <= len(data):
        opcode, size, at = data[at] & 15, data[at + 1] & 127, at + 2
        if size == 126:
            size, at = struct.unpack(">H", data[at : at + 2])[0], at + 2
        elif size == 127:
            size, at = struct.unpack(">Q", data[at : at + 8])[0], at + 8
        if opcode == 8:
            return int(struct.unpack(">H", data[at : at + 2])[0]) if size >= 2 else 1005
        at += size
    return WENT_WITHOUT_A_WORD
