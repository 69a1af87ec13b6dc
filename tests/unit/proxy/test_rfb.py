"""RFB security, both sides, byte by byte, with friends and strangers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asci_proxy import rfb


class Pipe:
    """One end of an in-memory stream that passes single bytes."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[int] = asyncio.Queue()
        self.peer: Pipe = self
        self.written = b""

    async def read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            byte = await self.incoming.get()
            if byte < 0:
                raise EOFError
            data.append(byte)
        return bytes(data)

    async def write(self, data: bytes) -> None:
        self.written += data
        for byte in data:
            self.peer.incoming.put_nowait(byte)
            await asyncio.sleep(0)

    def end(self) -> None:
        self.peer.incoming.put_nowait(-1)


def pair() -> tuple[Pipe, Pipe]:
    one, other = Pipe(), Pipe()
    one.peer, other.peer = other, one
    return one, other


class Script:
    """A peer that sends fixed bytes and then ends, whatever it is told."""

    def __init__(self, words: bytes) -> None:
        self._words, self.told = words, b""

    async def read(self, count: int) -> bytes:
        data, self._words = self._words[:count], self._words[count:]
        if len(data) < count:
            raise EOFError
        return data

    async def write(self, data: bytes) -> None:
        self.told += data


def run(work: Coroutine[object, object, None]) -> None:
    asyncio.run(work)


def test_the_answer_is_the_one_of_the_protocols_own_clients() -> None:
    """DES under the password with the bits of each byte reversed; the last vector is from the literature."""
    answer = rfb.answer_to(b"0123456789abcdef", "sekret12")
    assert len(answer) == 16
    assert answer != rfb.answer_to(b"0123456789abcdef", "sekret13")
    assert answer[:8] == rfb.answer_to(b"01234567" * 2, "sekret12")[:8], "two independent blocks"
    assert rfb.answer_to(bytes(16), "longer than eight") == rfb.answer_to(bytes(16), "longer t")
    assert rfb.answer_to(bytes(16), "") == bytes.fromhex("8ca64de9c1b123a7") * 2, "DES of zeros under a zero key"


@pytest.mark.parametrize("password", ["sekret12", "a", "ABCDEFG-", "_______9"])
def test_both_sides_understand_each_other(password: str) -> None:
    async def conversation() -> None:
        server, client = pair()
        entering = asyncio.create_task(rfb.enter_desktop(client, password))
        await rfb.greet_viewer(server, password)
        await rfb.admit_viewer(server)
        await entering
        assert client.written.endswith(b"\x01"), "the shared flag"

    run(conversation())


def test_a_wrong_password_is_told_with_a_reason_once() -> None:
    async def conversation() -> None:
        server, client = pair()
        entering = asyncio.create_task(rfb.enter_desktop(client, "wrong"))
        with pytest.raises(rfb.WrongPassword):
            await rfb.greet_viewer(server, "right")
        with pytest.raises(rfb.SecretRefused, match="one-time password"):
            await entering

    run(conversation())


def test_challenges_differ() -> None:
    async def challenge() -> bytes:
        script = Script(rfb.VERSION + b"\x02" + bytes(16))
        with pytest.raises(rfb.WrongPassword):
            await rfb.greet_viewer(script, "x")
        return script.told[14:30]

    assert asyncio.run(challenge()) != asyncio.run(challenge())


@pytest.mark.parametrize(
    "words",
    [
        b"RFB 003.003\n\x02",
        b"RFB 003.007\n\x02",
        b"rfb 003.008\n\x02",
        rfb.VERSION + b"\x01",
        rfb.VERSION + b"\x00",
    ],
)
def test_strange_viewers_are_refused(words: bytes) -> None:
    async def conversation() -> None:
        with pytest.raises(rfb.RfbError):
            await rfb.greet_viewer(Script(words + bytes(16)), "x")

    run(conversation())


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (b"RFB 003.003\n", rfb.RfbError),
        (b"SSH-2.0-Open", rfb.RfbError),
        (rfb.VERSION + b"\x00\x00\x00\x00\x03no!", rfb.RfbError),
        (rfb.VERSION + b"\x01\x01", rfb.RfbError),
        (rfb.VERSION + b"\x01\x02" + bytes(16) + b"\x00\x00\x00\x01\x00\x00\x00\x02no", rfb.SecretRefused),
        (rfb.VERSION + b"\x01\x02" + bytes(16) + b"\x00\x00\x00\x01\xff\xff\xff\xffendless", EOFError),
        (rfb.VERSION + b"\x01\x02" + bytes(5), EOFError),
        (b"", EOFError),
    ],
)
def test_strange_desktops_are_refused(words: bytes, error: type[BaseException]) -> None:
    async def conversation() -> None:
        with pytest.raises(error):
            await rfb.enter_desktop(Script(words), "secret12")

    run(conversation())


def test_newer_banners_and_more_types_are_fine() -> None:
    async def conversation() -> None:
        desktop = Script(b"RFB 003.889\n" + b"\x03\x01\x02\x10" + bytes(16) + bytes(4))
        await rfb.enter_desktop(desktop, "secret12")
        assert desktop.told[:13] == rfb.VERSION + b"\x02"

    run(conversation())


@given(st.binary(max_size=80))
def test_no_garbage_crashes_or_hangs_either_side(garbage: bytes) -> None:
    async def conversation(words: bytes) -> None:
        for talk in (rfb.greet_viewer(Script(words), "password"), rfb.enter_desktop(Script(words), "secret12")):
            try:
                await asyncio.wait_for(talk, 5)
            except (rfb.RfbError, EOFError):
                continue
            raise AssertionError("garbage was let in")

    run(conversation(garbage))
    run(conversation(rfb.VERSION + garbage))
    run(conversation(rfb.VERSION + b"\x02" + garbage))


def test_a_reason_is_told_without_control_characters() -> None:
    async def conversation() -> None:
        words = rfb.VERSION + b"\x00\x00\x00\x00\x06a\nb\x1bc\x00"
        with pytest.raises(rfb.RfbError) as error:
            await rfb.enter_desktop(Script(words), "x")
        assert str(error.value).endswith("a b c")

    run(conversation())
