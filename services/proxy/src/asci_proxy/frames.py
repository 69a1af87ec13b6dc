"""WebSocket frames (RFC 6455): heads for what goes to the browser, a streaming decoder for what comes from it.

Pure: no socket, no clock. No extension is spoken, so the reserved bits must be 0.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

try:
    from aiohttp._websocket.helpers import websocket_mask as _mask_in_place
except ImportError:  # a private name of aiohttp; the plain way below is right at any size, only slower
    _mask_in_place = None  # type: ignore[assignment]

HEAD_ROOM = 10
"""Bytes to leave free in front of a payload for the longest head of a server's frame."""
MOST_FRAME_BYTES = 1 << 20
"""The longest frame a browser may send; noVNC sends at most 10 KiB at once, a paste may be longer."""
MOST_CONTROL_BYTES = 125
MOST_REASON_BYTES = 123

_INTEGER_MASK_MOST = 256
_FIN, _RESERVED, _OPCODE, _MASKED, _LENGTH = 0x80, 0x70, 0x0F, 0x80, 0x7F
_WHOLE = _FIN | 2
"""First byte of a binary message in one frame."""
_CLOSE_CODE = Struct("!H")


class Opcode(IntEnum):
    """What a frame is (section 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_CONTROLS = frozenset({Opcode.CLOSE, Opcode.PING, Opcode.PONG})
_DATA = frozenset({Opcode.CONTINUATION, Opcode.BINARY})


def put_head(buffer: bytearray, length: int) -> int:
    """Write the head of a binary frame right in front of ``buffer[HEAD_ROOM:HEAD_ROOM + length]``.

    Returns where the frame starts.
    """
    if length < 126:
        buffer[8], buffer[9] = _FIN | Opcode.BINARY, length
        return 8
    if length < 65536:
        buffer[6], buffer[7] = _FIN | Opcode.BINARY, 126
        buffer[8:10] = length.to_bytes(2, "big")
        return 6
    buffer[0], buffer[1] = _FIN | Opcode.BINARY, 127
    buffer[2:10] = length.to_bytes(8, "big")
    return 0


def binary(payload: bytes) -> bytes:
    """A whole binary frame."""
    room = bytearray(HEAD_ROOM) + payload
    return bytes(room[put_head(room, len(payload)) :])


def control(opcode: Opcode, payload: bytes = b"") -> bytes:
    """A control frame; the payload is at most 125 bytes."""
    if len(payload) > MOST_CONTROL_BYTES:
        raise ValueError(f"a control frame holds 125 bytes, not {len(payload)}")
    return bytes((_FIN | opcode, len(payload))) + payload


def close(code: int, reason: str = "") -> bytes:
    """A close frame; a reason that is too long is cut at a whole character."""
    text = reason.encode()[:MOST_REASON_BYTES].decode(errors="ignore").encode()
    return control(Opcode.CLOSE, _CLOSE_CODE.pack(code) + text)


def close_reply(words: bytes) -> bytes:
    """The close frame that answers one with the payload ``words``: the same code, or what is wrong with it."""
    return close(close_code(words)[0]) if words else control(Opcode.CLOSE)


def close_code(payload: bytes) -> tuple[int, str]:
    """Code and reason of a received close frame: 1005 when it names none, 1002 or 1007 when it is malformed."""
    if not payload:
        return 1005, ""
    if len(payload) < 2:
        return 1002, "close frame of one byte"
    code: int = _CLOSE_CODE.unpack_from(payload)[0]
    if not (1000 <= code <= 1014 and code not in {1004, 1005, 1006}) and not 3000 <= code <= 4999:
        return 1002, "close code out of range"
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        return 1007, "close reason is not UTF-8"


def unmask(data: bytes | memoryview, key: bytes, offset: int) -> bytes:
    """The masked ``data`` in clear; ``offset`` is the place of its first byte in the frame's payload."""
    turn = offset & 3
    key = key[turn:] + key[:turn]
    length = len(data)
    if length <= _INTEGER_MASK_MOST or _mask_in_place is None:
        mask = (key * (length // 4 + 1))[:length]
        clear = int.from_bytes(data, "little") ^ int.from_bytes(mask, "little")
        return clear.to_bytes(length, "little")
    clear_bytes = bytearray(data)
    _mask_in_place(key, clear_bytes)
    return bytes(clear_bytes)


class Decoder:
    """Turns what a browser sends, in pieces of any size, into payload bytes and control frames.

    After a close frame or a failure everything further is ignored; what came before is delivered.
    """

    __slots__ = (
        "_at",
        "_collected",
        "_fragmented",
        "_head",
        "_key",
        "_left",
        "_marks",
        "_new",
        "_opcode",
        "closed",
        "controls",
        "failure",
        "marked",
    )

    def __init__(self, marks: frozenset[int] = frozenset()) -> None:
        self._marks = marks
        self._head = b""
        self._opcode: int = -1
        self._key = b""
        self._left = 0
        self._at = 0
        self._collected = b""
        self._fragmented = False
        self._new = False
        self.controls: list[tuple[int, bytes]] = []
        """Control frames in order of arrival: opcode and payload. Whoever handles them clears the list."""
        self.closed = False
        """A close frame has come."""
        self.failure: tuple[int, str] | None = None
        """Close code and reason with which the connection must be failed."""
        self.marked = False
        """A message began with one of the marked bytes. Whoever looks clears it."""

    def mark_from(self, rest: bytes) -> None:
        """Only ``rest`` counts of what was fed so far: an answer in a handshake may begin with a marked byte too."""
        self.marked = rest[:1] != b"" and rest[0] in self._marks

    @property
    def left(self) -> int:
        """How many payload bytes of the frame that is open are still to come; 0 between frames."""
        return self._left

    def feed(self, data: bytes | memoryview) -> bytes:
        """The payload bytes of the data frames in ``data``, joined."""
        size = len(data)
        if 6 < size < 132 and data[0] == _WHOLE and data[1] == _MASKED | size - 6 and self._is_between_messages():
            return self._take_whole(data)
        out: list[bytes] = []
        position, end = 0, size
        while position < end and not self.closed and self.failure is None:
            if self._opcode < 0:
                position = self._take_head(data, position)
                continue
            take = min(self._left, end - position)
            clear = unmask(data[position : position + take], self._key, self._at)
            position += take
            self._take_payload(clear, out)
        return out[0] if len(out) == 1 else b"".join(out)

    def _is_between_messages(self) -> bool:
        return self._opcode < 0 and not (self._head or self._fragmented or self.closed or self.failure)

    def _take_whole(self, data: bytes | memoryview) -> bytes:
        """One short message and nothing else: what a key or a pointer is."""
        clear = unmask(data[6:], bytes(data[2:6]), 0)
        self._new = False
        self.marked = self.marked or clear[0] in self._marks
        return clear

    def _take_head(self, data: bytes | memoryview, position: int) -> int:
        """Collect the head byte by byte count; returns the position behind what was used."""
        while True:
            need = _head_bytes(self._head)
            if len(self._head) >= need:
                break
            piece = bytes(data[position : position + need - len(self._head)])
            if not piece:
                return position
            self._head += piece
            position += len(piece)
        head, self._head = self._head, b""
        self.failure = self._open_frame(head)
        return position

    def _open_frame(self, head: bytes) -> tuple[int, str] | None:
        opcode, final, length = head[0] & _OPCODE, bool(head[0] & _FIN), _payload_bytes(head)
        failure = self._judge(head, opcode, final, length)
        if failure is not None:
            return failure
        self._opcode, self._key, self._left, self._at = opcode, head[-4:], length, 0
        if opcode < Opcode.CLOSE:
            self._new = self._new or opcode != Opcode.CONTINUATION
            self._fragmented = not final
        if length == 0:
            self._end_frame()
        return None

    def _judge(self, head: bytes, opcode: int, final: bool, length: int) -> tuple[int, str] | None:
        if head[0] & _RESERVED:
            return 1002, "reserved bits are set"
        if not head[1] & _MASKED:
            return 1002, "frame is not masked"
        if opcode in _CONTROLS:
            return None if final and length <= MOST_CONTROL_BYTES else (1002, "malformed control frame")
        if opcode not in _DATA:
            return (1003, "only binary messages are spoken here") if opcode == Opcode.TEXT else (1002, "unknown opcode")
        if self._fragmented != (opcode == Opcode.CONTINUATION):
            return 1002, "fragments out of order"
        return (1009, f"a frame holds at most {MOST_FRAME_BYTES} bytes") if length > MOST_FRAME_BYTES else None

    def _take_payload(self, clear: bytes, out: list[bytes]) -> None:
        self._left -= len(clear)
        self._at += len(clear)
        if self._opcode >= Opcode.CLOSE:
            self._collected += clear
        else:
            if self._new:
                self._new = False
                self.marked = self.marked or clear[0] in self._marks
            out.append(clear)
        if self._left == 0:
            self._end_frame()

    def _end_frame(self) -> None:
        if self._opcode >= Opcode.CLOSE:
            self.controls.append((self._opcode, self._collected))
            self._collected = b""
            self.closed = self._opcode == Opcode.CLOSE
        self._opcode = -1


def _head_bytes(head: bytes) -> int:
    """How long the head is that begins like this, as far as is known: 2 at first, at most 14."""
    if len(head) < 2:
        return 2
    length = head[1] & _LENGTH
    return 2 + (2 if length == 126 else 8 if length == 127 else 0) + (4 if head[1] & _MASKED else 0)


def _payload_bytes(head: bytes) -> int:
    length = head[1] & _LENGTH
    if length < 126:
        return length
    return int.from_bytes(head[2:4] if length == 126 else head[2:10], "big")
