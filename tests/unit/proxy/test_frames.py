"""The frame decoder: any bytes, in any cut, are judged once and the same; good ones lose and double nothing."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asci_proxy import frames
from tests.support import broken_frames
from tests.support.reference_frames import heard


def masked(payload: bytes, opcode: int = 2, *, final: bool = True, mask: bytes = b"\x11\x22\x33\x44") -> bytes:
    """A client's frame, after RFC 6455, section 5.2."""
    length = len(payload)
    if length < 126:
        head = bytes([length | 0x80])
    elif length < 65536:
        head = b"\xfe" + struct.pack("!H", length)
    else:
        head = b"\xff" + struct.pack("!Q", length)
    clear = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([(0x80 if final else 0) | opcode]) + head + mask + clear


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """``data`` in pieces; places are taken modulo its length."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


messages = st.lists(
    st.one_of(
        st.tuples(st.just("data"), st.lists(st.binary(max_size=400), min_size=1, max_size=4)),
        st.tuples(st.sampled_from(["ping", "pong"]), st.binary(max_size=125)),
    ),
    max_size=12,
)


def wire_of(conversation: list[tuple[str, object]], mask: bytes) -> bytes:
    """Frames of a conversation; pieces of a message are fragments with a ping between them."""
    wire = b""
    for kind, value in conversation:
        if isinstance(value, bytes):
            wire += masked(value, 9 if kind == "ping" else 10, mask=mask)
            continue
        assert isinstance(value, list)
        for index, piece in enumerate(value):
            last = index == len(value) - 1
            wire += masked(piece, 0 if index else 2, final=last, mask=mask)
            wire += b"" if last else masked(b"between", 9, mask=mask)
    return wire


@given(messages, st.binary(min_size=4, max_size=4), st.lists(st.integers(0, 10_000), max_size=20))
def test_good_frames_lose_and_double_nothing_in_any_cut(
    conversation: list[tuple[str, object]], mask: bytes, places: list[int]
) -> None:
    decoder = frames.Decoder()
    got = b"".join(decoder.feed(piece) for piece in cut(wire_of(conversation, mask), places))
    sent = b"".join(b"".join(value) for _, value in conversation if isinstance(value, list))
    assert got == sent
    assert decoder.failure is None
    controls = []
    for kind, value in conversation:
        if isinstance(value, bytes):
            controls.append((9 if kind == "ping" else 10, value))
        elif isinstance(value, list):
            controls += [(9, b"between")] * (len(value) - 1)
    assert decoder.controls == controls


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_garbage_never_crashes_and_is_judged_alike_in_any_cut(garbage: bytes, places: list[int]) -> None:
    whole, pieces = frames.Decoder(), frames.Decoder()
    at_once = whole.feed(garbage)
    piecewise = b"".join(pieces.feed(piece) for piece in cut(garbage, places))
    assert (at_once, whole.controls, whole.failure, whole.closed) == (
        piecewise,
        pieces.controls,
        pieces.failure,
        pieces.closed,
    )


MARKS = frozenset({4, 5})
any_frame = st.builds(
    broken_frames.frame,
    st.one_of(st.sampled_from([b"", b"\x03\xe8", b"\x04", b"\x05\x04"]), st.binary(max_size=300)),
    opcode=st.sampled_from([0, 0, 2, 2, 2, 8, 9, 10, 1, 3, 15]),
    final=st.sampled_from([True, True, False]),
    reserved=st.sampled_from([0] * 15 + [1, 4]),
    masked=st.sampled_from([True] * 15 + [False]),
    mask=st.binary(min_size=4, max_size=4),
)


@given(st.lists(any_frame, max_size=8), st.lists(st.integers(0, 3000), max_size=12), st.integers(0, 20))
def test_any_frames_mean_what_the_reference_reads_in_them(wire: list[bytes], places: list[int], missing: int) -> None:
    """Honest frames and wrong ones, cut anywhere, the last one perhaps not whole."""
    sent = b"".join(wire)
    sent = sent[: len(sent) - missing]
    decoder, right = frames.Decoder(MARKS), heard(sent, MARKS)
    assert b"".join(decoder.feed(piece) for piece in cut(sent, places)) == right.payload
    assert decoder.controls == right.controls
    assert (decoder.failure[0] if decoder.failure else None) == right.failed
    assert (decoder.closed, decoder.marked) == (right.closed, right.marked)


@given(st.binary(max_size=60), st.integers(0, 15), st.booleans(), st.integers(0, 7), st.binary(max_size=60))
def test_near_misses_never_crash(payload: bytes, opcode: int, final: bool, reserved: int, tail: bytes) -> None:
    frame = bytearray(masked(payload, opcode, final=final))
    frame[0] |= reserved << 4
    decoder = frames.Decoder()
    for byte in bytes(frame) + tail:
        decoder.feed(bytes([byte]))
    if reserved & 7 and reserved << 4 & 0x70:
        assert decoder.failure is not None
        assert decoder.failure[0] == 1002


def test_one_byte_at_a_time_and_by_the_mebibyte() -> None:
    payload = bytes(range(256)) * 4096
    wire = masked(payload, mask=b"\xde\xad\xbe\xef")
    assert frames.Decoder().feed(wire) == payload
    decoder = frames.Decoder()
    small = masked(payload[:5000])
    assert b"".join(decoder.feed(small[index : index + 1]) for index in range(len(small))) == payload[:5000]


def test_a_memoryview_is_as_good() -> None:
    assert frames.Decoder().feed(memoryview(masked(b"x" * 1000))) == b"x" * 1000


@given(st.binary(max_size=2000), st.binary(min_size=4, max_size=4), st.integers(0, 100))
def test_both_ways_to_unmask_agree(data: bytes, key: bytes, offset: int) -> None:
    expected = bytes(byte ^ key[(offset + index) % 4] for index, byte in enumerate(data))
    assert frames.unmask(data, key, offset) == expected
    assert frames.unmask(memoryview(data), key, offset) == expected


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"\x82\x01x", 1002),
        (masked(b"x", 1), 1003),
        (masked(b"x", 3), 1002),
        (masked(b"x", 0), 1002),
        (masked(b"x", 11), 1002),
        (masked(b"x" * 126, 9), 1002),
        (masked(b"x", 8, final=False), 1002),
        (masked(b"x", final=False) + masked(b"y"), 1002),
        (masked(b"", final=False) + masked(b"y"), 1002),
        (b"\x82\xff" + struct.pack("!Q", frames.MOST_FRAME_BYTES + 1) + b"mask", 1009),
    ],
)
def test_what_breaks_the_protocol_fails_with_its_code(wire: bytes, code: int) -> None:
    decoder = frames.Decoder()
    assert decoder.feed(masked(b"good") + wire + masked(b"ignored")) in {b"good", b"goodx"}
    assert decoder.failure is not None
    assert decoder.failure[0] == code


def test_nothing_counts_behind_a_close_frame() -> None:
    decoder = frames.Decoder()
    assert decoder.feed(masked(b"before") + masked(struct.pack("!H", 1000), 8) + masked(b"after")) == b"before"
    assert decoder.closed
    assert decoder.controls == [(8, struct.pack("!H", 1000))]


def test_only_first_bytes_of_messages_are_marked() -> None:
    decoder = frames.Decoder(frozenset({4}))
    decoder.feed(
        masked(b"\x03\x04\x04") + masked(b"", final=False) + masked(b"\x03", 0, final=False) + masked(b"\x04", 0)
    )
    assert not decoder.marked
    decoder.feed(masked(b"", final=False) + masked(b"\x04", 0))
    assert decoder.marked


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536, 256 * 1024])
def test_heads_are_the_shortest_that_hold_the_length(length: int) -> None:
    buffer = bytearray(frames.HEAD_ROOM + length)
    start = frames.put_head(buffer, length)
    frame = bytes(buffer[start:])
    assert frame[0] == 0x82
    if length < 126:
        assert frame[1] == length
        assert len(frame) == 2 + length
    elif length < 65536:
        assert frame[1:4] == b"\x7e" + struct.pack("!H", length)
        assert len(frame) == 4 + length
    else:
        assert frame[1:10] == b"\x7f" + struct.pack("!Q", length)
        assert len(frame) == 10 + length


def test_close_frames() -> None:
    assert frames.close(4401, "bye") == b"\x88\x05\x11\x31bye"
    long = frames.close(1000, "ü" * 100)
    assert len(long) <= 127
    long[4:].decode()
    with pytest.raises(ValueError, match="125"):
        frames.control(frames.Opcode.PING, bytes(126))


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", 1005),
        (b"\x03", 1002),
        (struct.pack("!H", 1000), 1000),
        (struct.pack("!H", 1014), 1014),
        (struct.pack("!H", 4999), 4999),
        (struct.pack("!H", 999), 1002),
        (struct.pack("!H", 1005), 1002),
        (struct.pack("!H", 1015), 1002),
        (struct.pack("!H", 2999), 1002),
        (struct.pack("!H", 5000), 1002),
        (struct.pack("!H", 1000) + b"\xff", 1007),
    ],
)
def test_received_close_codes(payload: bytes, code: int) -> None:
    assert frames.close_code(payload)[0] == code
    reply = frames.close_reply(payload)
    assert reply == (b"\x88\x00" if not payload else b"\x88\x02" + struct.pack("!H", code))


def test_an_answer_in_the_handshake_is_no_input_whatever_it_begins_with() -> None:
    decoder = frames.Decoder(frozenset({4}))
    assert decoder.feed(masked(bytes([4]) * 16)) == bytes([4]) * 16
    decoder.mark_from(b"")
    assert not decoder.marked
    decoder.mark_from(bytes([3, 4]))
    assert not decoder.marked
    decoder.mark_from(bytes([4, 0]))
    assert decoder.marked


def test_what_is_still_to_come_of_a_frame_is_known() -> None:
    decoder = frames.Decoder()
    wire = masked(b"x" * 1000)
    assert decoder.left == 0
    decoder.feed(wire[:108])
    assert decoder.left == 900
    decoder.feed(wire[108:])
    assert decoder.left == 0
