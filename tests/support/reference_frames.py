"""What a browser's bytes mean, read slowly from RFC 6455, section 5: the whole wire at once, one octet after the other.

It shares no line with the proxy's decoder, so that the two can judge each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST = 1 << 20
"""The longest data frame that the proxy takes (docs/reference/connect.md)."""
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10


@dataclass
class Heard:
    """What came over a wire. A frame is judged when its head is whole; payload counts as far as it came."""

    payload: bytes = b""
    controls: list[tuple[int, bytes]] = field(default_factory=list)
    failed: int | None = None
    """Close code with which the connection must be failed."""
    closed: bool = False
    marked: bool = False
    """A message began with one of the marked octets."""


@dataclass
class Frame:
    """A head as it stands there, right or wrong."""

    final: bool
    reserved: int
    opcode: int
    mask: bytes | None
    length: int
    begins: int
    """Where its payload is."""


def heard(wire: bytes, marks: frozenset[int] = frozenset()) -> Heard:
    """Reads until the wire ends, a close frame came, or something is wrong."""
    said, at, within_message, first_octet_due = Heard(), 0, False, False
    while (frame := frame_at(wire, at)) is not None:
        said.failed = _fault(frame, within_message)
        if said.failed is not None or frame.mask is None:
            return said
        end = frame.begins + frame.length
        clear = bytes(octet ^ frame.mask[place % 4] for place, octet in enumerate(wire[frame.begins : end]))
        whole, at = end <= len(wire), end
        if frame.opcode >= _CLOSE:
            if whole:
                said.controls.append((frame.opcode, clear))
            if whole and frame.opcode == _CLOSE:
                said.closed = True
                return said
            continue
        first_octet_due = first_octet_due or frame.opcode == _BINARY
        if clear and first_octet_due:
            said.marked, first_octet_due = said.marked or clear[0] in marks, False
        said.payload += clear
        within_message = not frame.final
    return said


def frame_at(wire: bytes, at: int) -> Frame | None:
    """The frame whose head begins there; None where the wire ends before the head does."""
    rest = wire[at : at + 14]
    if len(rest) < 2:
        return None
    length, place = rest[1] % 128, 2
    for short, octets in ((126, 2), (127, 8)):
        if rest[1] % 128 == short:
            length, place = int.from_bytes(rest[2 : 2 + octets], "big"), 2 + octets
    mask = None
    if rest[1] >= 128:
        mask, place = rest[place : place + 4], place + 4
    if len(rest) < place:
        return None
    return Frame(rest[0] >= 128, rest[0] // 16 % 8, rest[0] % 16, mask, length, at + place)


def _fault(frame: Frame, within_message: bool) -> int | None:
    """Close code for what the frame's head does wrong."""
    if frame.reserved or frame.mask is None:
        return 1002
    if frame.opcode in {_CLOSE, _PING, _PONG}:
        return None if frame.final and frame.length <= 125 else 1002
    if frame.opcode == _TEXT:
        return 1003
    if frame.opcode not in {0, _BINARY}:
        return 1002
    if (frame.opcode == 0) is not within_message:
        return 1002
    return 1009 if frame.length > LONGEST else None
