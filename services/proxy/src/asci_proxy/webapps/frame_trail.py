"""Follows WebSocket frames in a stream of bytes without touching them. Pure.

Extensions and subprotocols are the peers' own business; a frame's head tells its length in any case (RFC 6455, 5.2).
"""

from __future__ import annotations

import os

from asci_proxy import frames

_LENGTH, _MASKED, _OPCODE = 0x7F, 0x80, 0x0F
_LONGER = 126
"""From this length on, it stands in further bytes."""
_SHORT_HEAD = 6
"""The most bytes of a head without them."""
_MOST_LENGTH = 1 << 63
_MESSAGES = frozenset({int(frames.Opcode.TEXT), int(frames.Opcode.BINARY)})
_CLOSE = int(frames.Opcode.CLOSE)


class FrameTrail:
    """Fed with all bytes of one direction, in pieces of any size."""

    __slots__ = ("_head", "_left", "closed", "messages")

    def __init__(self) -> None:
        self._head = b""
        self._left = 0
        self.messages = 0
        """How many messages began: text or binary, whatever their length; neither fragments nor control frames."""
        self.closed = False
        """A close frame began."""

    @property
    def at_boundary(self) -> bool:
        """Whether a frame may be put in here: none is open, and none said good-bye."""
        return not self._head and not self._left and not self.closed

    def passed(self, data: bytes | memoryview) -> None:
        """These bytes went by. What does not look like frames is followed all the same, and harms nobody."""
        position, end = 0, len(data)
        while position < end:
            if self._left:
                step = min(self._left, end - position)
                self._left -= step
                position += step
                continue
            if not self._head and end - position >= _SHORT_HEAD and data[position + 1] & _LENGTH < _LONGER:
                position = self._begin_short(data[position], data[position + 1], position)
                continue
            need = _head_bytes(self._head) - len(self._head)
            piece = bytes(data[position : position + need])
            self._head += piece
            position += len(piece)
            if len(self._head) == _head_bytes(self._head):
                self._begin()

    def _begin_short(self, first: int, second: int, position: int) -> int:
        """A short frame whose head is in sight as a whole; returns the position behind the head."""
        self._note(first & _OPCODE)
        self._left = second & _LENGTH
        return position + (6 if second & _MASKED else 2)

    def _begin(self) -> None:
        head, self._head = self._head, b""
        self._note(head[0] & _OPCODE)
        self._left = _payload_bytes(head)

    def _note(self, opcode: int) -> None:
        if opcode in _MESSAGES:
            self.messages += 1
        elif opcode == _CLOSE:
            self.closed = True


def masked(frame: bytes) -> bytes:
    """A short frame of a server (payload of at most 125 bytes) as a client must send it: masked."""
    key = os.urandom(4)
    return bytes((frame[0], frame[1] | _MASKED)) + key + frames.unmask(frame[2:], key, 0)


def _head_bytes(head: bytes) -> int:
    if len(head) < 2:
        return 2
    length = head[1] & _LENGTH
    return 2 + (2 if length == 126 else 8 if length == 127 else 0) + (4 if head[1] & _MASKED else 0)


def _payload_bytes(head: bytes) -> int:
    length = head[1] & _LENGTH
    if length < 126:
        return length
    return int.from_bytes(head[2:4] if length == 126 else head[2:10], "big") % _MOST_LENGTH
