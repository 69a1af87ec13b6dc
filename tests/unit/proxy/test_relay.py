"""The pump on real sockets, with time in the test's hand."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable

import pytest

from asci_proxy import app, frames, relay, watching
from asci_proxy.ends import By, End, Trouble
from tests.unit.proxy.test_frames import masked


def close_all(end: End) -> None:
    """What an owner does at least."""
    end.browser.close()
    if end.desktop is not None:
        end.desktop.close()


class Owner:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.troubles: list[Trouble] = []
        self.ends: list[End] = []
        self.answers: list[float] = []
        self.on_end: Callable[[End], object] = close_all

    def link_troubled(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)

    def link_answered(self, seconds: float) -> None:
        self.answers.append(seconds)

    def link_ended(self, end: End) -> None:
        self.ends.append(end)
        self.on_end(end)


class Room:
    """A link with both peers in the test's hands; small buffers, so that they are full soon."""

    def __init__(self, watcher: watching.Watcher) -> None:
        self.browser, browser = socket.socketpair()
        self.desktop, desktop = socket.socketpair()
        for sock in (self.browser, browser, self.desktop, desktop):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        self.owner = Owner()
        self.loop = asyncio.get_running_loop()
        self.link = relay.Link(self.loop, watcher, browser, desktop, frames.Decoder(frozenset({4})), self.owner)
        self.link.start()

    async def from_proxy(self, seconds: float = 5.0) -> bytes:
        """Whatever the browser gets next."""
        return await asyncio.wait_for(self.loop.sock_recv(self.browser, 1 << 20), seconds)

    async def all_frames(self) -> list[tuple[int, bytes]]:
        """Every frame until the proxy closes its side."""
        raw = b""
        while data := await self.from_proxy():
            raw += data
        return split(raw)

    def close(self) -> None:
        self.link.close(1000, "")
        self.browser.close()
        self.desktop.close()


def split(raw: bytes) -> list[tuple[int, bytes]]:
    """Frames of a server; fails on a torn one."""
    out = []
    while raw:
        length, start = raw[1], 2
        if length == 126:
            length, start = int.from_bytes(raw[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(raw[2:10], "big"), 10
        assert len(raw) >= start + length, "a torn frame"
        out.append((raw[0] & 15, raw[start : start + length]))
        raw = raw[start + length :]
    return out


def in_room(test: Callable[[Room], Awaitable[None]]) -> None:
    async def play(watcher: watching.Watcher) -> None:
        room = Room(watcher)
        try:
            await test(room)
        finally:
            room.close()

    watching.run(play)


async def turns(count: int = 20) -> None:
    """Let the loop serve what is ready."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_bytes_go_both_ways() -> None:
    async def test(room: Room) -> None:
        await room.loop.sock_sendall(room.desktop, b"picture")
        assert await room.from_proxy() == b"\x82\x07picture"
        await room.loop.sock_sendall(room.browser, masked(b"key") + masked(b"pointer"))
        assert await room.loop.sock_recv(room.desktop, 100) == b"keypointer"
        assert (room.link.bytes_down, room.link.bytes_up) == (7, 10)
        assert room.link.last_input == 0

    in_room(test)


def test_input_is_noticed_with_its_time() -> None:
    async def test(room: Room) -> None:
        before = time.time()
        await room.loop.sock_sendall(room.browser, masked(b"\x04key"))
        await room.loop.sock_recv(room.desktop, 100)
        assert before <= room.link.last_input <= time.time()

    in_room(test)


def test_a_slow_browser_gets_whole_frames_with_pongs_between_them() -> None:
    async def test(room: Room) -> None:
        sent = bytes(range(256)) * 2000

        async def send() -> None:
            await room.loop.sock_sendall(room.desktop, sent)

        sending = asyncio.create_task(send())
        await turns(50)
        for number in range(5):
            await room.loop.sock_sendall(room.browser, masked(b"ping %d" % number, 9))
        await turns(50)
        raw = b""
        while sum(len(payload) for opcode, payload in _whole(raw) if opcode == 2) < len(sent):
            raw += await room.from_proxy()
        await sending
        got = split(raw)
        assert b"".join(payload for opcode, payload in got if opcode == 2) == sent
        assert (10, b"ping 4") in got, "the last ping is answered; older ones may be passed over"
        assert room.link.stalls > 0

    in_room(test)


def _whole(raw: bytes) -> list[tuple[int, bytes]]:
    try:
        return split(raw)
    except (AssertionError, IndexError):
        return []


def test_the_desktop_is_not_read_while_the_browser_is_stuck() -> None:
    async def test(room: Room) -> None:
        total = 0
        while True:
            try:
                total += room.desktop.send(bytes(4096))
            except BlockingIOError:
                await turns()
                try:
                    total += room.desktop.send(bytes(4096))
                except BlockingIOError:
                    break
        assert total < 2 * relay.CHUNK_BYTES
        assert room.link.bytes_down < total

    in_room(test)


def test_the_browser_is_not_read_while_the_desktop_is_stuck_and_nothing_is_lost() -> None:
    async def test(room: Room) -> None:
        wire = b"".join(masked(bytes([number]) * 3000) for number in range(200))

        async def send() -> None:
            await room.loop.sock_sendall(room.browser, wire)

        sending = asyncio.create_task(send())
        await turns(200)
        assert not sending.done()
        got = b""
        while len(got) < 600_000:
            got += await room.loop.sock_recv(room.desktop, 65536)
        assert got == b"".join(bytes([number]) * 3000 for number in range(200))
        await sending

    in_room(test)


@pytest.mark.parametrize("stuck", [0, 200_000])
def test_what_the_desktop_sent_last_comes_before_the_close_frame(stuck: int) -> None:
    async def test(room: Room) -> None:
        async def send() -> None:
            await room.loop.sock_sendall(room.desktop, bytes(stuck) + b"last words")
            room.desktop.close()

        sending = asyncio.create_task(send())
        frames_coming = asyncio.create_task(room.all_frames())
        while not room.owner.troubles:
            await asyncio.sleep(0)
        await sending
        assert room.owner.troubles == [Trouble.DESKTOP_ENDED]
        room.link.close(4502, "over", patience=30)
        got = await frames_coming
        assert b"".join(payload for opcode, payload in got if opcode == 2) == bytes(stuck) + b"last words"
        assert got[-1] == (8, (4502).to_bytes(2, "big") + b"over")
        assert [(end.by, end.code) for end in room.owner.ends] == [(By.PROXY, 4502)]

    in_room(test)


def test_a_sterner_close_overtakes_a_patient_one() -> None:
    async def test(room: Room) -> None:
        sending = asyncio.create_task(room.loop.sock_sendall(room.desktop, bytes(300_000)))
        while not room.link.stalls:
            await asyncio.sleep(0)
        room.link.close(4502, "patient", patience=600)
        room.link.close(4404, "stern", patience=0.05)
        while not room.owner.ends:
            await asyncio.sleep(0.01)
        assert [(end.code, end.reason) for end in room.owner.ends] == [(4404, "stern")]
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    in_room(test)


def test_the_close_frame_of_the_newest_word_is_sent() -> None:
    async def test(room: Room) -> None:
        sending = asyncio.create_task(room.loop.sock_sendall(room.desktop, bytes(300_000)))
        while not room.link.stalls:
            await asyncio.sleep(0)
        room.link.close(4502, "first", patience=600)
        room.link.close(4403, "second", patience=600)
        got = await room.all_frames()
        assert [payload for opcode, payload in got if opcode == 8] == [(4403).to_bytes(2, "big") + b"second"]
        assert len(room.owner.ends) == 1
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    in_room(test)


def test_bytes_of_a_browser_that_left_are_handed_over_for_the_desktop() -> None:
    async def test(room: Room) -> None:
        ends: list[End] = []
        room.owner.on_end = ends.append
        payload = bytes(range(256)) * 100
        wire = masked(payload) + masked((1000).to_bytes(2, "big"), 8)
        for number in range(3):
            await room.loop.sock_sendall(room.browser, wire[number * 9000 : (number + 1) * 9000])
            await turns()
        got = b""
        while not ends or len(got) + len(ends[0].rest) < len(payload):
            got += await room.loop.sock_recv(room.desktop, 65536)
        assert got + ends[0].rest == payload
        assert (ends[0].by, ends[0].code) == (By.BROWSER, 1000)
        assert ends[0].desktop is not None
        ends[0].desktop.close()
        ends[0].browser.close()

    in_room(test)


def test_pings_go_out_and_pongs_are_measured() -> None:
    async def test(room: Room) -> None:
        now = time.monotonic()
        room.link.tick(now + relay.PING_SECONDS - 1)
        room.link.tick(now + relay.PING_SECONDS + 1)
        room.link.tick(now + relay.PING_SECONDS + 2)
        ((opcode, words),) = split(await room.from_proxy())
        assert opcode == 9
        await room.loop.sock_sendall(room.browser, masked(words, 10) + masked(b"unasked", 10))
        await turns()
        assert len(room.owner.answers) == 1
        assert room.owner.troubles == []

    in_room(test)


def test_a_flood_of_tiny_messages_is_decoded_in_small_helpings() -> None:
    """Each costs some 10 us: a long helping would hold up every neighbour."""
    helpings: list[int] = []

    class Counting(frames.Decoder):
        def feed(self, data: bytes | memoryview) -> bytes:
            helpings.append(len(data) // len(tiny))
            return super().feed(data)

    tiny = masked(b"k")

    async def test(room: Room) -> None:
        room.link._decoder = Counting()
        room.browser.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        flood = tiny * 10_000
        assert room.browser.send(flood) > len(flood) // 2, "most of it lies there at once"
        await turns(100)
        assert len(helpings) > 1
        assert max(helpings) < 1000

    in_room(test)


def test_of_many_pings_read_at_once_the_last_is_answered() -> None:
    """RFC 6455, section 5.5.3."""

    async def test(room: Room) -> None:
        pings = b"".join(masked(b"%03d" % number, 9) for number in range(300))
        await room.loop.sock_sendall(room.browser, masked(b"key") + pings + masked(b"pointer"))
        assert await room.loop.sock_recv(room.desktop, 100) == b"keypointer"
        assert split(await room.from_proxy()) == [(10, b"299")]

    in_room(test)


def test_silence_is_noticed_at_its_time() -> None:
    async def test(room: Room) -> None:
        now = time.monotonic()
        room.link.tick(now + relay.SILENT_SECONDS - 1)
        assert room.owner.troubles == []
        room.link.tick(now + relay.SILENT_SECONDS + 1)
        assert room.owner.troubles == [Trouble.BROWSER_SILENT]

    in_room(test)


@pytest.mark.parametrize("behind_a_busy_desktop", [False, True])
def test_a_half_open_browser_is_found_within_45_seconds(behind_a_busy_desktop: bool) -> None:
    """Its machine is gone without a word: the kernel takes what fits and nothing comes back."""

    async def test(room: Room) -> None:
        sending = asyncio.create_task(room.loop.sock_sendall(room.desktop, bytes(300_000 * behind_a_busy_desktop)))
        await turns(100)
        started, passed = time.monotonic(), 0.0
        while not room.owner.troubles:
            assert passed <= 45
            passed += app.TICK_SECONDS
            room.link.tick(started + passed)
        assert room.owner.troubles == [Trouble.BROWSER_SILENT]
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    in_room(test)


def test_a_browser_that_takes_nothing_is_noticed() -> None:
    async def test(room: Room) -> None:
        sending = asyncio.create_task(room.loop.sock_sendall(room.desktop, bytes(300_000)))
        while not room.link.stalls:
            await asyncio.sleep(0)
        await turns()
        now = time.monotonic()
        await room.loop.sock_sendall(room.browser, masked(b"alive", 10))
        await turns()
        room.link.tick(now + relay.STUCK_SECONDS - 1)
        assert Trouble.BROWSER_STUCK not in room.owner.troubles
        room.link.tick(now + relay.STUCK_SECONDS + 1)
        assert Trouble.BROWSER_STUCK in room.owner.troubles
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    in_room(test)


def test_a_desktop_that_takes_nothing_is_noticed_and_the_browser_not_blamed() -> None:
    async def test(room: Room) -> None:
        sending = asyncio.create_task(room.loop.sock_sendall(room.browser, masked(bytes(500_000))))
        await turns(100)
        now = time.monotonic()
        room.link.tick(now + relay.DESKTOP_STUCK_SECONDS - 5)
        assert room.owner.troubles == []
        room.link.tick(now + relay.SILENT_SECONDS + 1)
        assert room.owner.troubles == [Trouble.DESKTOP_STUCK]
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    in_room(test)


def test_a_failure_is_told_once_even_when_garbage_goes_on() -> None:
    async def test(room: Room) -> None:
        sending = asyncio.create_task(room.loop.sock_sendall(room.desktop, bytes(300_000)))
        while not room.link.stalls:
            await asyncio.sleep(0)
        started = time.monotonic()
        while not room.owner.ends and time.monotonic() - started < 5:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                room.browser.send(b"\x00" * 100)
            await asyncio.sleep(0.02)
        assert [end.code for end in room.owner.ends] == [1002]
        assert time.monotonic() - started < 3, "garbage does not lengthen the patience"
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    in_room(test)
