"""What a WebSocket server sent, read strictly from RFC 6455, section 5."""

from __future__ import annotations


def split(raw: bytes) -> list[tuple[int, bytes]]:
    """Opcode and payload of every frame. Raises AssertionError for a torn one, and for what a server may not send."""
    whole, rest = parted(raw)
    assert not rest, f"a torn frame: {rest[:20]!r}"
    return whole


def parted(raw: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames, and what came of the next one."""
    found, at = [], 0
    while (size := _sizes(raw, at)) is not None:
        head, length = size
        if len(raw) < at + head + length:
            break
        first = raw[at]
        assert first & 0xF0 == 0x80, f"the proxy sends whole messages without reserved bits, not {first:#x}"
        assert not raw[at + 1] & 0x80, "a server's frames are not masked"
        found.append((first & 15, raw[at + head : at + head + length]))
        at += head + length
    return found, raw[at:]


def _sizes(raw: bytes, at: int) -> tuple[int, int] | None:
    """Bytes of the head and of the payload; None where the head is not whole."""
    if len(raw) < at + 2:
        return None
    extra = {126: 2, 127: 8}.get(raw[at + 1] & 127, 0)
    if len(raw) < at + 2 + extra:
        return None
    length = int.from_bytes(raw[at + 2 : at + 2 + extra], "big") if extra else raw[at + 1] & 127
    return 2 + extra, length
