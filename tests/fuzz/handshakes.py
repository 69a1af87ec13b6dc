"""RFB security on both sides with a peer that says anything: it ends at once, and lets in nobody who does not know.

Input: whom to play, whether the peer knows the password, then its words.
"""

from __future__ import annotations

from collections.abc import Coroutine

from asci_proxy import rfb
from tests.fuzz.numbers import Numbers

PASSWORD = "sekret12"
_MOST_WORDS = 12 + 1 + 255 + 16 + 4 + 4 + 1024
"""Nobody may be listened to for longer."""


class Peer:
    """Says its words whatever it is told; where it knows the password, a right answer in their midst."""

    def __init__(self, words: bytes, knows: bool) -> None:
        self._words, self._knows = words, knows
        self.told = b""
        self.heard = 0
        self.answered = False

    async def read(self, count: int) -> bytes:
        """See rfb.Channel."""
        assert 0 <= count <= _MOST_WORDS
        self.heard += count
        if self._knows and count == 16 and self.told.startswith(rfb.VERSION + b"\x01\x02"):
            self.answered = True
            return rfb.answer_to(self.told[14:30], PASSWORD)
        data, self._words = self._words[:count], self._words[count:]
        if len(data) < count:
            raise EOFError
        return data

    async def write(self, data: bytes) -> None:
        """See rfb.Channel."""
        self.told += data


def one_input(data: bytes) -> None:
    """See :class:`tests.fuzz.Target`."""
    numbers = Numbers(data)
    how = numbers.byte()
    peer = Peer(numbers.rest(), knows=bool(how & 2))
    if how & 1:
        let_in = _finished(_welcome(peer))
        assert let_in <= peer.answered, "a viewer without the password was let in"
        assert peer.told.startswith(rfb.VERSION)
        assert len(peer.told) <= 12 + 2 + 16 + 4 + 4 + 128
    else:
        let_in = _finished(rfb.enter_desktop(peer, PASSWORD))
        assert let_in == (len(peer.told) == 12 + 1 + 16 + 1), "ClientInit follows a good result only"
        assert PASSWORD.encode() not in peer.told
    assert peer.heard <= _MOST_WORDS


async def _welcome(peer: Peer) -> None:
    await rfb.greet_viewer(peer, PASSWORD)
    await rfb.admit_viewer(peer)


def _finished(talk: Coroutine[object, object, None]) -> bool:
    """Whether it came to its end; it never waits, because the peer never does."""
    try:
        talk.send(None)
    except StopIteration:
        return True
    except (rfb.RfbError, EOFError):
        return False
    raise AssertionError("it waits for something that nobody brings")
