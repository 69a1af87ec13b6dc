"""A live byte stream of a desktop: asks for the whole screen again and again, and remembers the longest wait."""

from __future__ import annotations

import threading
import time
from typing import Self

from tests.support.api_caller import ApiCaller
from tests.support.edge_viewer import EdgeViewer, enter

PAUSE = 0.7
"""Seconds between two frames."""
SILENCE = 10.0
"""A stream without a frame for so long counts as cut, whatever its socket says."""


class LiveStream:
    """One viewer's stream through the edge. Use as a context manager; the end of it asserts nothing."""

    def __init__(self, caller: ApiCaller, instance: str, mode: str = "view") -> None:
        self.viewer: EdgeViewer = enter(caller, instance, mode)
        self.frames = 0
        self.longest = 0.0
        self._last = time.monotonic()
        self._error = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def assert_flows(self, why: str) -> None:
        """It was never cut and never silent, and frames still come."""
        before = self.frames
        deadline = time.monotonic() + SILENCE
        while self.frames == before and not self._error and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not self._error, f"{why}: the stream broke: {self._error}"
        assert self.viewer.closed_at is None, f"{why}: the stream was closed with {self.viewer.closed_code}"
        assert self.frames > before, f"{why}: no frame for {SILENCE:g} s"
        assert self.longest < SILENCE, f"{why}: {self.longest:.1f} s without a frame"

    def wait_cut(self, *, within: float) -> float:
        """The monotonic time at which it was closed. Raises TimeoutError."""
        return self.viewer.wait_closed(within=within)

    def close(self) -> None:
        """Goes away."""
        self._ended.set()
        self.viewer.close()
        self._thread.join(25)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            while not self._ended.wait(PAUSE):
                self._last = time.monotonic()
                self.viewer.rfb.wait_frame(timeout=40)
                self.longest = max(self.longest, time.monotonic() - self._last)
                self.frames += 1
        except Exception as error:  # noqa: BLE001 - told by assert_flows
            if not self._ended.is_set():
                self._error = repr(error)
