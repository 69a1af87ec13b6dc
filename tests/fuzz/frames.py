"""``frames.Decoder`` in any cuts against the reference: same payload, controls, verdict and mark.

Input: a count of cuts, so many 16-bit places, the wire.
"""

from __future__ import annotations

from asci_proxy import frames
from tests.fuzz.numbers import Numbers, pieces
from tests.support.reference_frames import heard

MARKS = frozenset({4, 5, 6, 255})


def one_input(data: bytes) -> None:
    """See :class:`tests.fuzz.Target`."""
    numbers = Numbers(data)
    places = [numbers.short() for _ in range(numbers.byte() % 16)]
    wire = numbers.rest()
    decoder = frames.Decoder(MARKS)
    got = b"".join(decoder.feed(memoryview(piece)) for piece in pieces(wire, places))
    right = heard(wire, MARKS)
    assert got == right.payload
    assert decoder.controls == right.controls
    assert (decoder.failure[0] if decoder.failure else None) == right.failed
    assert decoder.closed == right.closed
    assert decoder.marked == right.marked
    for _, words in decoder.controls:
        _judge_close(words)


def _judge_close(words: bytes) -> None:
    """Whatever a browser says at the end, the answer is a close frame that may be sent."""
    reply = frames.close_reply(words)
    assert reply[0] == 0x88
    assert len(reply) == 2 + reply[1] <= 127
    code, reason = frames.close_code(words)
    assert 1000 <= code <= 4999
    assert len(reason.encode()) <= 123
