"""Numbers and pieces out of fuzzed bytes; when they run out, everything is 0 or empty."""

from __future__ import annotations

from itertools import pairwise


class Numbers:
    """Reads ``data`` from the front."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._data)

    def byte(self) -> int:
        """0 to 255."""
        return (self.some(1) or b"\0")[0]

    def short(self) -> int:
        """0 to 65535."""
        return self.byte() << 8 | self.byte()

    def some(self, count: int) -> bytes:
        """At most so many."""
        piece = self._data[self._at : self._at + count]
        self._at += count
        return piece

    def rest(self) -> bytes:
        """All that is left."""
        return self.some(len(self._data))


def pieces(data: bytes, places: list[int]) -> list[bytes]:
    """``data`` cut at ``places``, taken modulo its length."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]
