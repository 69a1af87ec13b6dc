"""A browser of the tests' own: WebSocket frames and RFB security by hand, so that it can also do what no browser does.

Written against RFC 6455 and RFC 6143, not against the proxy's code.
"""

from __future__ import annotations

import base64
import os
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

BINARY, CLOSE, PING, PONG = 2, 8, 9, 10


class Closed(Exception):
    """The proxy closed; 1006 means without a close frame."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


class HttpRefused(Exception):
    """The upgrade got an HTTP answer instead."""

    def __init__(self, status: int, head: str, body: bytes) -> None:
        super().__init__(f"{status} {body!r}")
        self.status, self.head, self.body = status, head, body


def des(challenge: bytes, password: str) -> bytes:
    """VncAuth's answer."""
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode().ljust(8, b"\0")[:8])
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305  (VncAuth fixes it)
    return encryptor.update(challenge) + encryptor.finalize()


@dataclass
class Browser:
    """One WebSocket. ``connect`` raises HttpRefused; every read raises Closed at the close frame or the end."""

    port: int
    path: str
    cookie: str | None = None
    origin: str | None = None
    timeout: float = 20.0
    receive_buffer: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pongs: list[bytes] = field(default_factory=list)
    pings: list[bytes] = field(default_factory=list)
    answer_pings: bool = True

    def connect(self) -> Self:
        self.sock = socket.socket()
        try:
            self._upgrade()
        except BaseException:
            self.sock.close()
            raise
        return self

    def _upgrade(self) -> None:
        if self.receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self.sock.settimeout(self.timeout)
        self.sock.connect(("127.0.0.1", self.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._raw = b""
        self._payload = b""
        self.sock.sendall(self._request())
        head = self._until(b"\r\n\r\n")
        self.head = head.decode()
        status = int(self.head.split(" ", 2)[1])
        if status != 101:
            raise HttpRefused(status, self.head, self._body())

    def _request(self) -> bytes:
        lines = {
            "Host": f"127.0.0.1:{self.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": "binary",
        }
        if self.origin is not None:
            lines["Origin"] = self.origin
        if self.cookie is not None:
            lines["Cookie"] = self.cookie
        lines |= self.headers
        return "\r\n".join([f"GET {self.path} HTTP/1.1", *(f"{k}: {v}" for k, v in lines.items()), "", ""]).encode()

    def _body(self) -> bytes:
        length = next(
            int(line.split(":")[1]) for line in self.head.lower().split("\r\n") if line.startswith("content-length")
        )
        while len(self._raw) < length:
            self._more()
        return self._raw[:length]

    def _more(self) -> None:
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionError as error:
            raise Closed(1006, str(error)) from None
        if not data:
            raise Closed(1006, "end of the connection")
        self._raw += data

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._raw:
            self._more()
        head, self._raw = self._raw.split(mark, 1)
        return head

    def _take(self, count: int) -> bytes:
        while len(self._raw) < count:
            self._more()
        data, self._raw = self._raw[:count], self._raw[count:]
        return data

    def frame(self) -> tuple[int, bytes]:
        """The next frame of the proxy: opcode and payload; it must be final, unmasked, without reserved bits."""
        first, second = self._take(2)
        assert first & 0x80, "the proxy sends whole messages"
        assert not first & 0x70, "no extension was agreed on"
        assert not second & 0x80, "a server's frames are not masked"
        length = second
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        return first & 15, self._take(length)

    def read_some(self) -> bytes:
        """The stream's next bytes, as many as came together."""
        data, self._payload = self._payload, b""
        return data or self._message()

    def _message(self) -> bytes:
        """The payload of the next binary message."""
        while True:
            opcode, payload = self.frame()
            if opcode == BINARY:
                return payload
            if opcode == CLOSE:
                raise Closed(int.from_bytes(payload[:2], "big"), payload[2:].decode())
            if opcode == PING:
                self.pings.append(payload)
                if self.answer_pings:
                    self.send_frame(payload, PONG)
            else:
                assert opcode == PONG, f"opcode {opcode}"
                self.pongs.append(payload)

    def read(self, count: int) -> bytes:
        """Exactly so many bytes of the stream."""
        parts = [self._payload]
        have = len(self._payload)
        while have < count:
            parts.append(self._message())
            have += len(parts[-1])
        data = b"".join(parts)
        self._payload = data[count:]
        return data[:count]

    def closing(self) -> Closed:
        """Read until the proxy closes."""
        try:
            while True:
                self.read_some()
        except Closed as closed:
            return closed

    def send(self, data: bytes) -> None:
        """One masked binary message."""
        self.send_frame(data)

    def send_frame(self, data: bytes, opcode: int = BINARY, *, final: bool = True, mask: bytes | None = None) -> None:
        self.sock.sendall(masked_frame(data, opcode, final=final, mask=mask))

    def authenticate(self, password: str) -> None:
        """RFB security up to SecurityResult and ClientInit (which asks for exclusive access)."""
        assert self.read(12) == b"RFB 003.008\n"
        self.send(b"RFB 003.008\n")
        assert self.read(2) == b"\x01\x02"
        self.send(b"\x02")
        self.send(des(self.read(16), password))
        result = self.read(4)
        if result != b"\0\0\0\0":
            reason = self.read(int.from_bytes(self.read(4), "big"))
            raise PermissionError(reason.decode())
        self.send(b"\x00")

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def masked_frame(data: bytes, opcode: int = BINARY, *, final: bool = True, mask: bytes | None = None) -> bytes:
    """A client's frame."""
    mask = os.urandom(4) if mask is None else mask
    length = len(data)
    if length < 126:
        head = bytes([length | 0x80])
    elif length < 65536:
        head = b"\xfe" + struct.pack("!H", length)
    else:
        head = b"\xff" + struct.pack("!Q", length)
    repeated = (mask * (length // 4 + 1))[:length]
    clear = int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")
    return bytes([(0x80 if final else 0) | opcode]) + head + mask + clear.to_bytes(length, "big")
