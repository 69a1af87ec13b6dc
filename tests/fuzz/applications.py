"""What a web application sends: frames that are followed without being touched, and the head that answers an upgrade.

Input: which of both; then cuts and a wire, or a head.
"""

from __future__ import annotations

from asci_proxy.webapps import heads
from asci_proxy.webapps.frame_trail import FrameTrail
from tests.fuzz.numbers import Numbers, pieces
from tests.support.reference_frames import frame_at

_LONGEST = 1 << 63


def one_input(data: bytes) -> None:
    """See :class:`tests.fuzz.Target`."""
    numbers = Numbers(data)
    if numbers.byte() & 1:
        _head(numbers.rest())
    else:
        places = [numbers.short() for _ in range(numbers.byte() % 8)]
        _trail(numbers.rest(), places)


def _trail(wire: bytes, places: list[int]) -> None:
    trail = FrameTrail()
    for piece in pieces(wire, places):
        trail.passed(memoryview(piece))
    at, messages, closed = 0, 0, False
    while (frame := frame_at(wire, at)) is not None:
        messages += frame.opcode in {1, 2}
        closed = closed or frame.opcode == 8
        at = frame.begins + frame.length % _LONGEST
    assert (trail.messages, trail.closed) == (messages, closed)
    assert trail.at_boundary == (at == len(wire) and not closed)


def _head(data: bytes) -> None:
    """What was understood, written down, is understood as the same; and nothing can be hidden in it."""
    try:
        head = heads.parse(data)
    except heads.MalformedHead:
        return
    assert 100 <= head.status <= 999
    for name, value in head.fields.items():
        assert name.isascii()
        assert not set(name + value) & set("\r\n\0")
    written = heads.write(f"HTTP/1.1 {head.status} {head.reason}", head.fields.items())
    assert written.endswith(heads.END)
    assert written.count(heads.END) == 1
    again = heads.parse(written.removesuffix(heads.END))
    assert (again.status, again.reason, list(again.fields.items())) == (
        head.status,
        head.reason,
        list(head.fields.items()),
    )
