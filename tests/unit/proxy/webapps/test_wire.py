"""Heads, frames and bytes of WebSockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asci_proxy import frames
from asci_proxy.webapps import heads
from asci_proxy.webapps.frame_trail import FrameTrail, masked
from asci_proxy.webapps.splice import Splice

# -- heads --


def test_a_head_is_read() -> None:
    head = heads.parse(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade:websocket\r\nSet-Cookie: a\r\nSet-Cookie:  b \r\nX:"
    )
    assert (head.status, head.reason) == (101, "Switching Protocols")
    assert head.fields.getall("set-cookie") == ["a", "b"]
    assert head.fields["X"] == ""
    assert heads.parse(b"HTTP/1.1 101").reason == "", "it may be missing (RFC 9112, section 4)"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/2 200 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1 200 OK\r\nno colon",
        b"HTTP/1.1 200 OK\r\nA : b",
        b"HTTP/1.1 200 OK\r\n: b",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded",
        b"HTTP/1.1 200 OK\r\nA: b\nB: c",
        b"HTTP/1.1 200 OK\r\nA: b\x00",
    ],
)
def test_what_is_no_head_is_refused(data: bytes) -> None:
    with pytest.raises(heads.MalformedHead):
        heads.parse(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_refused(data: bytes) -> None:
    try:
        heads.parse(b"HTTP/1.1 200 OK\r\n" + data)
    except heads.MalformedHead:
        return


def test_a_head_is_written_as_it_was_read() -> None:
    raw = b"HTTP/1.1 101 Switching Protocols\r\nA: caf\xe9\r\nB: 2\r\n\r\n"
    head = heads.parse(raw.removesuffix(heads.END))
    assert heads.write("HTTP/1.1 101 Switching Protocols", head.fields.items()) == raw


# -- frames --


def frame(opcode: int, length: int, mask: bool, final: bool = True) -> bytes:
    head = bytes([opcode | (0x80 if final else 0)])
    flag = 0x80 if mask else 0
    if length < 126:
        head += bytes([length | flag])
    elif length < 65536:
        head += bytes([126 | flag]) + length.to_bytes(2, "big")
    else:
        head += bytes([127 | flag]) + length.to_bytes(8, "big")
    return head + (b"mask" if mask else b"") + bytes(length)


FRAMES = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 9, 10]),
        st.sampled_from([0, 1, 125, 126, 300, 65535, 65536]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=6,
)


@given(FRAMES, st.lists(st.integers(0, 1 << 20), max_size=12))
def test_frames_are_followed_however_they_are_cut(
    given_frames: list[tuple[int, int, bool, bool]], cuts: list[int]
) -> None:
    whole = [frame(*one) for one in given_frames]
    stream, ends = b"".join(whole), {0}
    for one in whole:
        ends.add(max(ends) + len(one))
    trail, position = FrameTrail(), 0
    near_ends = {end + step for end in ends for step in (-1, 0, 1, 2, 4) if end + step > 0}
    for cut in sorted(near_ends | {cut % (len(stream) + 1) for cut in cuts} | {len(stream)}):
        trail.passed(memoryview(stream)[position:cut])
        position = min(cut, len(stream))
        assert trail.at_boundary is (position in ends)
    assert trail.messages == sum(opcode in {1, 2} for opcode, *_ in given_frames)


def test_byte_by_byte() -> None:
    trail = FrameTrail()
    for byte in frame(2, 300, True):
        trail.passed(bytes([byte]))
    assert trail.at_boundary
    assert trail.messages == 1


def test_behind_a_close_frame_nothing_may_be_put() -> None:
    trail = FrameTrail()
    trail.passed(frames.close(1000))
    assert trail.closed
    assert not trail.at_boundary


@given(st.binary(max_size=300))
def test_what_is_no_frame_harms_nobody(data: bytes) -> None:
    FrameTrail().passed(data)


@given(st.sampled_from([1000, 1001, 4403]), st.text(max_size=20))
def test_a_masked_frame_is_what_a_client_sends(code: int, reason: str) -> None:
    decoder = frames.Decoder()
    decoder.feed(masked(frames.close(code, reason)))
    ((opcode, words),) = decoder.controls
    assert (opcode, frames.close_code(words)) == (frames.Opcode.CLOSE, (code, reason))


# -- bytes --


class Count:
    """A meter."""

    def __init__(self) -> None:
        self.data = b""

    def passed(self, data: bytes | memoryview) -> None:
        self.data += bytes(data)


class Room:
    """A splice between two socket pairs; the tests hold the outer ends."""

    def __init__(self) -> None:
        self.browser, self.near = socket.socketpair()
        self.far, self.app = socket.socketpair()
        for one in (self.browser, self.near, self.far, self.app):
            one.setblocking(False)
        self.up, self.down = Count(), Count()
        self.ended: list[str] = []
        self.splice = Splice(
            asyncio.get_running_loop(), self.near, self.far, up=self.up, down=self.down, ended=self.ended.append
        )

    def close(self) -> None:
        self.splice.stop("the test is over")
        for one in (self.browser, self.near, self.far, self.app):
            one.close()


def in_a_room(act: Callable[[Room, asyncio.AbstractEventLoop], Awaitable[None]]) -> None:
    async def run() -> None:
        room = Room()
        try:
            await act(room, asyncio.get_running_loop())
        finally:
            room.close()

    asyncio.run(asyncio.wait_for(run(), 20))


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


async def read(loop: asyncio.AbstractEventLoop, sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (piece := await loop.sock_recv(sock, 1 << 16)):
        data += piece
    return data


def test_early_bytes_come_first_and_both_ways_are_metered() -> None:
    async def act(room: Room, loop: asyncio.AbstractEventLoop) -> None:
        room.splice.start(b"early ")
        await loop.sock_sendall(room.app, b"late")
        await loop.sock_sendall(room.browser, b"question")
        assert await read(loop, room.browser, 10) == b"early late"
        assert await read(loop, room.app, 8) == b"question"
        assert (room.down.data, room.up.data) == (b"early late", b"question")
        assert (room.splice.bytes_down, room.splice.bytes_up) == (10, 8)
        assert room.splice.idle_up
        assert room.splice.idle_down

    in_a_room(act)


def test_a_flood_passes_in_small_helpings() -> None:
    """The meter follows frames one by one: a long helping of tiny ones would hold up every neighbour."""
    helpings: list[int] = []

    class Counting(Count):
        def passed(self, data: bytes | memoryview) -> None:
            helpings.append(len(data))

    async def act(room: Room, loop: asyncio.AbstractEventLoop) -> None:
        splice = Splice(loop, room.near, room.far, up=Counting(), down=Counting(), ended=room.ended.append)
        room.app.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        sent = room.app.send(bytes(100_000))
        splice.start()
        await read(loop, room.browser, sent)
        splice.stop("the test is over")
        assert sum(helpings) == sent > 50_000
        assert max(helpings) <= 16 * 1024

    in_a_room(act)


def test_a_side_that_does_not_read_stops_the_other_and_loses_nothing() -> None:
    async def act(room: Room, loop: asyncio.AbstractEventLoop) -> None:
        room.splice.start()
        block, sent = bytes(range(256)) * 4096, 0
        while True:
            try:
                sent += room.app.send(block[sent % len(block) :])
            except BlockingIOError:
                before = sent
                await asyncio.sleep(0.05)
                try:
                    sent += room.app.send(block[sent % len(block) :])
                except BlockingIOError:
                    if sent == before:
                        break
        assert not room.splice.idle_down
        assert room.splice.idle_up, "the other direction is free"
        got = await read(loop, room.browser, sent)
        assert got == (block * (sent // len(block) + 1))[:sent]

    in_a_room(act)


def test_an_end_is_told_after_everything_before_it_and_the_other_way_goes_on() -> None:
    async def act(room: Room, loop: asyncio.AbstractEventLoop) -> None:
        room.splice.start()
        big = bytes(1 << 20)
        sending = asyncio.ensure_future(loop.sock_sendall(room.browser, big))
        await asyncio.sleep(0.02)
        assert not sending.done(), "more than the sockets hold"
        reading = asyncio.ensure_future(read(loop, room.app, len(big) + 1))
        await sending
        room.browser.shutdown(socket.SHUT_WR)
        assert await reading == big
        assert not room.ended
        await loop.sock_sendall(room.app, b"still")
        assert await read(loop, room.browser, 5) == b"still"
        room.app.shutdown(socket.SHUT_WR)
        await until(lambda: room.ended)
        assert room.ended == ["both sides said good-bye"]

    in_a_room(act)


def test_one_direction_does_not_outlive_the_other_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asci_proxy.webapps.splice.HALF_CLOSED_SECONDS", 0.05)

    async def act(room: Room, _loop: asyncio.AbstractEventLoop) -> None:
        room.splice.start()
        room.browser.shutdown(socket.SHUT_WR)
        await until(lambda: room.ended)
        assert room.ended == ["the browser ended"]

    in_a_room(act)


def test_a_broken_side_ends_both_once() -> None:
    async def act(room: Room, loop: asyncio.AbstractEventLoop) -> None:
        room.splice.start()
        room.app.close()
        await loop.sock_sendall(room.browser, b"into the void")
        await until(lambda: room.ended)
        room.splice.stop("again")
        assert len(room.ended) == 1
        assert not room.splice.idle_down

    in_a_room(act)
