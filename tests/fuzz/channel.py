"""A browser's socket during the handshake (``channels.FrameChannel``): what is read is what its frames hold.

Input: sizes that are asked for, places where the wire is cut, whether the end comes right behind it, the wire.
"""

from __future__ import annotations

import asyncio
import socket

from asci_proxy import channels, frames
from tests.fuzz import room
from tests.fuzz.numbers import Numbers, pieces
from tests.support.reference_frames import heard
from tests.support.server_frames import split


def one_input(data: bytes) -> None:
    """See :class:`tests.fuzz.Target`."""
    numbers = Numbers(data)
    wanted = [numbers.byte() for _ in range(numbers.byte() % 8)]
    places = [numbers.short() for _ in range(numbers.byte() % 8)]
    calmly = bool(numbers.byte() & 1)
    room.play(_story(wanted, pieces(numbers.rest()[:3000], places), calmly))


async def _story(wanted: list[int], words: list[bytes], calmly: bool) -> None:
    """``calmly``: the browser ends a moment after its last bytes, not right behind them."""
    near, far = room.pair()
    with near, far:
        channel = channels.FrameChannel(room.watcher(), near, frames.Decoder())
        reading = asyncio.ensure_future(channels.straight(channel.ready, _read(channel, wanted)))
        await room.turns(1)
        answers, unsent, ended = b"", list(words), False
        for _ in range(20_000):
            answers += room.take(far, 65536) or b""
            if unsent:
                unsent[0] = unsent[0][room.give(far, unsent[0]) :]
                unsent = unsent if unsent[0] else unsent[1:]
            if not unsent and not calmly and not ended:
                far.shutdown(socket.SHUT_WR)  # once: every further one would wake the other end
                ended = True
            calmly = calmly and bool(unsent)
            await room.turns(1)
            if reading.done():
                break
        assert reading.done(), "it waits although everything was said"
        room.watcher().forget(near.fileno())
        near.shutdown(socket.SHUT_WR)
        while answer := room.take(far, 65536):
            answers += answer
        _judge(*reading.result(), answers, b"".join(words), sum(wanted))


async def _read(channel: channels.FrameChannel, wanted: list[int]) -> tuple[bytes, Exception | None]:
    """What was read, a last byte behind what was wanted included; and why no more was."""
    got = b""
    try:
        for count in [*wanted, 1_000_000]:
            got += await channel.read(count)
    except (EOFError, OSError, channels.BrokenFrames) as error:
        return got + channel.rest, error
    return got, None


def _judge(got: bytes, failure: Exception | None, answers: bytes, wire: bytes, wanted: int) -> None:
    right = heard(wire)
    assert right.payload == got, "what was read is not what was sent"
    assert len(got) < wanted + 1_000_000
    if right.failed is not None and not right.closed:
        assert isinstance(failure, channels.BrokenFrames)
        assert failure.code == right.failed
    else:
        assert isinstance(failure, EOFError)
    spoken = [(opcode, words) for opcode, words in right.controls if opcode != frames.Opcode.PONG]
    answered = [(10, words) if opcode == 9 else (8, _code(words)) for opcode, words in spoken]
    assert [(opcode, words[:2] if opcode == 8 else words) for opcode, words in split(answers)] == answered


def _code(words: bytes) -> bytes:
    return frames.close_reply(words)[2:4]
