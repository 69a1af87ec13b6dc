"""A browser, a desktop, and the real link and farewells between them; what each said and heard is remembered."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from functools import partial

from asci_proxy import frames, relay
from asci_proxy.ends import By, End, Trouble
from asci_proxy.sockets import Farewells
from tests.fuzz import room
from tests.fuzz.numbers import Numbers
from tests.support import broken_frames
from tests.support.server_frames import parted

_PATTERN = bytes((index * 7 + index // 251) & 0xFF for index in range(1 << 16)) * 5
_MOST_BYTES = 250_000
"""Said by either side."""
_PATIENTLY, _AT_ONCE = 600.0, 0.0
_ROUNDS = 30_000

frame = partial(broken_frames.frame, mask=b"\x11\xa2\x33\xc4")


class Scene:
    """The actions of a story, each with its numbers; then :meth:`drain`, :meth:`judge`, :meth:`clear`."""

    def __init__(self, early: int, patient: bool) -> None:
        self._browser, near_browser = room.pair()
        self._desktop, near_desktop = room.pair()
        self._farewells, self._patient = Farewells(room.watcher()), patient
        self._ends: list[End] = []
        self._troubles: list[Trouble] = []
        self._unsent, self._raw, self._got_up = b"", b"", b""
        self._down, self._up = 0, early
        self._pings: list[bytes] = []
        self._within = False  # a message of several frames
        self._browser_speaks = self._browser_lives = self._desktop_speaks = self._desktop_lives = True
        self._all_down = self._all_up = True  # nothing has happened after which bytes may be missing
        self._torn = False  # something has happened after which the last frame may be
        self._ends_seen = [False, False]
        self._verdicts: set[bytes] = set()  # codes and words with which the proxy closed
        self._link = relay.Link(
            asyncio.get_running_loop(), room.watcher(), near_browser, near_desktop, frames.Decoder(), self
        )
        self._link.start(_PATTERN[:early])

    # -- the link's owner, as connection.py and connect.py are --

    def link_troubled(self, trouble: Trouble) -> None:
        """See ends.Owner."""
        assert not self._ends, "trouble after the end"
        self._troubles.append(trouble)
        if trouble is not Trouble.DESKTOP_ENDED:
            self._all_down = self._all_up = False
            self._close(4408, str(trouble), _PATIENTLY)
        elif self._patient:
            self._close(4502, "vnc: ended", _PATIENTLY)

    def link_answered(self, seconds: float) -> None:
        """See ends.Owner."""
        assert seconds >= 0

    def link_ended(self, end: End) -> None:
        """See ends.Owner."""
        assert not self._ends, "it ended twice"
        self._ends.append(end)
        self._farewells.leave(end.browser)
        if end.desktop is not None:
            self._farewells.leave(end.desktop, end.rest)

    # -- actions --

    def browser_sends(self, numbers: Numbers) -> None:
        """A frame of any length, alone or within a message."""
        payload = self._next(self._up, numbers)
        if self._browser_speaks:
            final = bool(numbers.byte() & 3)
            self._unsent += frame(payload, opcode=0 if self._within else 2, final=final)
            self._within, self._up = not final, self._up + len(payload)
        self._say()

    def browser_pings(self, numbers: Numbers) -> None:
        """A ping, also between the frames of a message."""
        if self._browser_speaks:
            self._pings.append(numbers.some(numbers.byte() % 126))
            self._unsent += frame(self._pings[-1], opcode=9)
        self._say()

    def browser_pongs(self, numbers: Numbers) -> None:
        """A pong that nobody asked for, or a forged one."""
        if self._browser_speaks:
            self._unsent += frame(numbers.some(numbers.byte() % 10), opcode=10)
        self._say()

    def browser_reads(self, numbers: Numbers) -> None:
        """So many bytes at most."""
        self._hear_browser(numbers.short() + 1)

    def browser_says_goodbye(self, numbers: Numbers) -> None:
        """A close frame with any words; nothing may come behind it."""
        if self._browser_speaks:
            self._unsent += frame(numbers.some(numbers.byte() % 126), opcode=8)
            self._browser_speaks = self._all_down = False
            self._torn = True
        self._say()

    def browser_half_closes(self, _numbers: Numbers) -> None:
        """No more will be said; what is unsaid never is."""
        if self._browser_lives:
            self._all_up = self._all_up and not self._unsent
            self._unsent, self._browser_speaks, self._all_down, self._torn = b"", False, False, True
            with contextlib.suppress(OSError):
                self._browser.shutdown(socket.SHUT_WR)

    def browser_breaks_off(self, _numbers: Numbers) -> None:
        """Gone, with bytes unread."""
        self._browser.close()
        self._browser_lives = self._browser_speaks = self._all_down = self._all_up = False
        self._unsent, self._torn = b"", True

    def browser_breaks_frames(self, numbers: Numbers) -> None:
        """Garbage that may be anything."""
        if self._browser_speaks:
            self._unsent += bytes((0x83,)) + numbers.some(numbers.byte() % 32) + bytes(14)
            self._browser_speaks = self._all_down = self._all_up = False
            self._torn = True
        self._say()

    def desktop_sends(self, numbers: Numbers) -> None:
        """As many bytes as fit."""
        piece = self._next(self._down, numbers)
        if self._desktop_speaks and piece:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                self._down += self._desktop.send(piece)

    def desktop_reads(self, numbers: Numbers) -> None:
        """So many bytes at most."""
        self._hear_desktop(numbers.short() + 1)

    def desktop_half_closes(self, _numbers: Numbers) -> None:
        """Its picture ends; what it said must arrive."""
        if self._desktop_lives:
            self._desktop_speaks = self._all_up = False
            with contextlib.suppress(OSError):
                self._desktop.shutdown(socket.SHUT_WR)

    def desktop_breaks_off(self, _numbers: Numbers) -> None:
        """Gone, with bytes unread."""
        self._desktop.close()
        self._desktop_speaks = self._desktop_lives = self._all_up = self._all_down = False

    def time_passes(self, numbers: Numbers) -> None:
        """The link is looked after, up to two minutes later."""
        self._link.tick(time.monotonic() + numbers.byte() % 120)

    def proxy_closes(self, numbers: Numbers) -> None:
        """A revocation."""
        at_once = bool(numbers.byte() & 1)
        self._all_down = self._all_up = False
        self._torn = self._torn or at_once
        self._close(4404, "the instance ended", _AT_ONCE if at_once else _PATIENTLY)

    # -- the end --

    async def drain(self) -> None:
        """Both peers read all they can; when nothing moves any more, whoever can ends it."""
        quiet = 0
        for _ in range(_ROUNDS):
            before = (len(self._raw), len(self._got_up), len(self._unsent), len(self._ends), *self._ends_seen)
            self._say()
            self._hear_browser(1 << 16)
            self._hear_desktop(1 << 16)
            await room.turns(3)
            if self._ends and all(self._ends_seen):
                return
            after = (len(self._raw), len(self._got_up), len(self._unsent), len(self._ends), *self._ends_seen)
            quiet = quiet + 1 if before == after else 0
            if quiet == 5:
                self._end_it()
            assert quiet < 200, "it does not end"
        raise AssertionError("it goes on and on")

    def judge(self) -> None:
        """Everything that arrived was said, in order; and all of it, where nothing excuses that some is missing."""
        ((end),) = self._ends
        found, torn = parted(self._raw)
        assert self._torn or not torn or not self._browser_lives, "a torn frame"
        came = b"".join(payload for opcode, payload in found if opcode == 2)
        _judge_stream("down", came, self._down, whole=self._all_down)
        _judge_stream("up", self._got_up, self._up, whole=self._all_up)
        assert len(came) <= self._link.bytes_down <= self._down
        assert len(self._got_up) <= self._link.bytes_up <= self._up
        closes = [place for place, (opcode, _) in enumerate(found) if opcode == 8]
        assert closes in ([], [len(found) - 1]), "something comes behind the close frame"
        if end.by is By.PROXY and not self._torn:
            # a newer verdict holds, but a close frame that is on its way is not called back
            assert found[-1][0] == 8
            assert found[-1][1] in self._verdicts | {end.code.to_bytes(2, "big") + end.reason.encode()}
        pongs = iter(self._pings)
        assert all(pong in pongs for pong in (words for opcode, words in found if opcode == 10)), "a pong out of order"

    async def clear(self) -> None:
        """Close what is open."""
        for sock in (self._browser, self._desktop):
            sock.close()
        self._close(1012, "the story is over", _AT_ONCE)
        await room.turns(4)
        await self._farewells.finish(0)
        assert len(self._ends) == 1

    # -- underneath --

    def _close(self, code: int, words: str, patience: float) -> None:
        self._verdicts.add(code.to_bytes(2, "big") + words.encode())
        self._link.close(code, words, patience)

    def _end_it(self) -> None:
        """What is due by now in any story."""
        if Trouble.DESKTOP_ENDED in self._troubles and not self._ends:
            self._close(4502, "vnc: ended", _PATIENTLY)
        elif self._browser_speaks:
            self._unsent += frame((1000).to_bytes(2, "big"), opcode=8)
            self._browser_speaks = False

    def _next(self, said: int, numbers: Numbers) -> bytes:
        return _PATTERN[said : min(said + numbers.short(), _MOST_BYTES)]

    def _say(self) -> None:
        while self._browser_lives and self._unsent:
            sent = room.give(self._browser, self._unsent)
            if not sent:
                return
            self._unsent = self._unsent[sent:]

    def _hear_browser(self, most: int) -> None:
        came = room.take(self._browser, most) if self._browser_lives else b""
        self._raw += came or b""
        self._ends_seen[0] = self._ends_seen[0] or came == b""

    def _hear_desktop(self, most: int) -> None:
        came = room.take(self._desktop, most) if self._desktop_lives else b""
        self._got_up += came or b""
        self._ends_seen[1] = self._ends_seen[1] or came == b""


def _judge_stream(way: str, came: bytes, said: int, *, whole: bool) -> None:
    assert came == _PATTERN[: len(came)], f"{way}: another byte than was said"
    assert len(came) <= said, f"{way}: more than was said"
    assert len(came) == said or not whole, f"{way}: {said - len(came)} of {said} bytes are missing"
