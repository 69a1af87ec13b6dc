"""A browser that stops reading behind a fast desktop: the proxy's memory, and what its neighbours feel."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.integration.proxy.browser import PONG, Browser
from tests.load.relay.measures import Run

_KIB, _MILLISECONDS = 1024, 3
"""The stream that nobody reads: 1 MiB every 3 ms."""


@dataclass(frozen=True)
class Stuck:
    """What a stuck browser did. Memory is in KiB, round trips in microseconds."""

    seconds: float
    memory_before: int
    memory_most: int
    p99_alone: float
    p99_beside: float

    def text(self) -> str:
        """A sentence for the table."""
        grown = self.memory_most - self.memory_before
        return (
            f"A browser that stopped reading for {self.seconds:g} s behind a desktop of 350 MB/s: the proxy's memory "
            f"grew by {grown} KiB at most; 100 other connections x 20 Hz had a p99 of {self.p99_beside:,.0f} us "
            f"beside it, {self.p99_alone:,.0f} us without it.\n"
        )


def measure(port: int, ticket: str, header: str, pid: int, neighbours: Callable[[float], Run], seconds: float) -> Stuck:
    """``neighbours(seconds)`` measures other connections meanwhile, and once before."""
    path, password = ticket.split()
    alone = neighbours(2.0)
    cookie = header.split(": ", 1)[1]
    with Browser(port, path, cookie=cookie, origin=f"http://127.0.0.1:{port}").connect() as browser:
        browser.authenticate(password)
        browser.send(struct.pack("!BBHHHH", 3, 1, _KIB, _MILLISECONDS, 1, 1))
        time.sleep(1.0)
        before, deadline = _memory(pid), time.monotonic() + seconds
        most, worst = before, 0.0
        while (left := deadline - time.monotonic()) > 1.0:
            browser.send_frame(b"", PONG)  # it lives, it only does not read; silent, it would be left after 40 s
            worst = max(worst, neighbours(min(5.0, left))["p99_us"])
            most = max(most, _memory(pid))
    return Stuck(seconds, before, most, alone["p99_us"], worst)


def _memory(pid: int) -> int:
    """Resident KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
