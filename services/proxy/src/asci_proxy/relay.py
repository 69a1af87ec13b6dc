"""Moves the bytes of one viewer: the whole path of a byte, both ways. Knows neither HTTP nor ASCI.

*Down*, desktop to browser: one read of at most 256 KiB lands behind room for a frame head; the head is written in front
of it and the frame goes out in one send. What the browser's socket does not take is copied (``_down``), and the desktop
is not read until it went out: backpressure is the kernel's buffers; user space holds at most one chunk a connection.

*Up*, browser to desktop: one read is decoded and all its payload goes out in one send; what the desktop does not take
is kept (``_up``), and the browser is not read until it went out.
"""

from __future__ import annotations

import asyncio
import socket
import time

from asci_proxy import frames
from asci_proxy.ends import GONE, By, End, Owner, Trouble
from asci_proxy.watching import READ, WRITE, Watcher

CHUNK_BYTES = 256 * 1024
"""The longest message to a browser: on a slow link a small one behind it must not wait for a MiB."""
UP_BYTES, UP_FRAME_BYTES = 4096, 65536  # of one turn, tiny messages cost 10 us each; of one frame that is open
PING_SECONDS, SILENT_SECONDS, STUCK_SECONDS = 20.0, 40.0, 60.0
DESKTOP_STUCK_SECONDS = 35.0  # sooner than the kernel gives a desktop up (sockets.py), so that the reason can be told

# One pair of buffers for all links: each is used within one call and never handed on (send copies into the kernel).
_down_buffer = bytearray(frames.HEAD_ROOM + CHUNK_BYTES)
_down_view = memoryview(_down_buffer)
_down_room = _down_view[frames.HEAD_ROOM :]
_up_buffer = bytearray(UP_FRAME_BYTES)
_up_view = memoryview(_up_buffer)


class Link:
    """One viewer's two sockets after the handshake, both non-blocking and owned by the link from now on."""

    __slots__ = (
        "_browser", "_close_frame", "_closing", "_control", "_deadline", "_decoder", "_desktop", "_done", "_down",
        "_heard", "_loop", "_owner", "_pinged", "_stuck_down", "_stuck_up", "_up", "_watcher", "bytes_down",
        "bytes_up", "last_input", "stalls",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        watcher: Watcher,
        browser: socket.socket,
        desktop: socket.socket,
        decoder: frames.Decoder,
        owner: Owner,
    ) -> None:
        self._loop, self._watcher, self._owner = loop, watcher, owner
        self._browser, self._decoder = browser, decoder
        self._desktop: socket.socket | None = desktop
        self._down = b""  # rest of a frame that the browser's socket did not take
        self._control = b""  # a ping or pong that waits behind _down; a newer one replaces it
        self._up = b""  # payload that the desktop's socket did not take
        self._closing: tuple[int, str] | None = None
        self._close_frame = b""  # waits behind _down while closing
        self._deadline: asyncio.TimerHandle | None = None
        self._done = False
        self._heard = self._pinged = time.monotonic()
        self._stuck_down = self._stuck_up = 0.0  # since when no byte was taken; 0: nothing is stuck
        self.bytes_down = self.bytes_up = self.stalls = 0
        self.last_input = 0.0
        """Unix time of the last message that began with a marked byte."""

    def start(self, early: bytes = b"") -> None:
        """Begin to move bytes; ``early`` is what the browser already sent for the desktop."""
        self._watch()
        self._taken(early)

    def _watch(self) -> None:
        """Wait for what can go on: each side is read while nothing is stuck for the other one."""
        self._watch_browser()
        self._watch_desktop()

    def _watch_browser(self) -> None:
        events = (0 if self._up else READ) | (WRITE if self._down else 0)
        if events:
            self._watcher.watch(self._browser.fileno(), events, self._serve_browser)
        else:
            self._watcher.forget(self._browser.fileno())

    def _watch_desktop(self) -> None:
        if self._desktop is None:
            return
        events = (0 if self._down else READ) | (WRITE if self._up else 0)
        if events:
            self._watcher.watch(self._desktop.fileno(), events, self._serve_desktop)
        else:
            self._watcher.forget(self._desktop.fileno())

    def _serve_browser(self, bits: int) -> None:
        if self._down and bits & ~READ:
            self._unstick_down()
        if bits & ~WRITE and not self._up and not self._done:
            self._read_browser()

    def _serve_desktop(self, bits: int) -> None:
        if self._up and bits & ~READ:
            self._unstick_up()
        if bits & ~WRITE and not self._down and self._desktop is not None:
            self._read_desktop(self._desktop)

    # -- down --

    def _read_desktop(self, desktop: socket.socket) -> None:
        try:
            count = desktop.recv_into(_down_room)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            count = 0
        if count == 0:
            self._drop_desktop()
            self._owner.link_troubled(Trouble.DESKTOP_ENDED)
            return
        self.bytes_down += count
        self._push(_down_view[frames.put_head(_down_buffer, count) : frames.HEAD_ROOM + count])

    def _push(self, frame: bytes | memoryview) -> None:
        """Send a frame while nothing is stuck; what is not taken gets stuck."""
        sent = self._offer_browser(frame)
        if sent < len(frame):
            self._down = bytes(frame[sent:])
            self._stuck_down = time.monotonic()
            self.stalls += 1
            self._watch()

    def _offer_browser(self, data: bytes | memoryview) -> int:
        """How many bytes the browser's socket took; all of them when it is gone, since then nothing may wait."""
        try:
            return self._browser.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self._finish(By.BROWSER, GONE, "the browser's connection broke")
            return len(data)

    def _unstick_down(self) -> None:
        sent = self._offer_browser(self._down)
        if self._done or not sent:
            return
        self._heard = self._stuck_down = time.monotonic()
        self._down = self._down[sent:]
        if not self._down:
            self._down, self._control = self._control, b""
        if not self._down and self._close_frame:
            self._down, self._close_frame = self._close_frame, b""
        if self._down:
            return
        self._stuck_down = 0.0
        if self._closing is not None:
            self._finish(By.PROXY, *self._closing)
        else:
            self._watch()

    def _say(self, frame: bytes) -> None:
        """Send a ping or pong, behind whatever is stuck."""
        if self._down:
            self._control = frame
        else:
            self._push(frame)

    # -- up --

    def _read_browser(self) -> None:
        try:
            count = self._browser.recv_into(_up_buffer, max(UP_BYTES, min(self._decoder.left, UP_FRAME_BYTES)))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            count = 0
        if count == 0:
            self._finish(By.BROWSER, GONE, "the browser's connection ended")
            return
        self._heard = time.monotonic()
        self._taken(self._decoder.feed(_up_view[:count]))

    def _taken(self, payload: bytes) -> None:
        """Pass on what one read brought: payload first, then the control frames, then a failure."""
        decoder = self._decoder
        if decoder.marked:
            decoder.marked, self.last_input = False, time.time()
        if payload and self._desktop is not None:
            self._send_desktop(self._desktop, payload)
        while decoder.controls and not self._done:
            self._take_control(*decoder.controls.pop(0))
        if decoder.failure is not None and self._closing is None:
            self.close(*decoder.failure)

    def _send_desktop(self, desktop: socket.socket, payload: bytes) -> None:
        self.bytes_up += len(payload)
        sent = self._offer_desktop(desktop, payload)
        if sent < len(payload):
            self._up = payload[sent:]
            self._stuck_up = time.monotonic()
            self._watch()

    def _offer_desktop(self, desktop: socket.socket, data: bytes) -> int:
        """How many bytes the desktop's socket took; all when it is gone: its reader says so, after its last bytes."""
        try:
            return desktop.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            return len(data)

    def _unstick_up(self) -> None:
        desktop = self._desktop
        if desktop is None:
            return
        sent = self._offer_desktop(desktop, self._up)
        self._up = self._up[sent:]
        if sent:
            self._stuck_up = time.monotonic()
        if not self._up:
            self._stuck_up = 0.0
            self._watch()

    def _take_control(self, opcode: int, words: bytes) -> None:
        if opcode == frames.Opcode.PING:
            if self._closing is None and not any(one == opcode for one, _ in self._decoder.controls):  # the last counts
                self._say(frames.control(frames.Opcode.PONG, words))
        elif opcode == frames.Opcode.PONG:
            if len(words) == 8:
                self._owner.link_answered(max(0.0, time.monotonic() - int.from_bytes(words, "big") / 1e9))
        else:
            code, reason = frames.close_code(words)
            if not self._down:
                self._offer_browser(frames.close_reply(words))
            self._finish(By.BROWSER, code, reason)

    # -- time and ends --

    def tick(self, now: float) -> None:
        """Look after the link; call it every few seconds with ``time.monotonic()``."""
        if self._closing is not None or self._done:
            return
        if self._stuck_down and now - self._stuck_down >= STUCK_SECONDS:
            self._owner.link_troubled(Trouble.BROWSER_STUCK)
        elif self._stuck_up:  # the browser is not read meanwhile, so its silence says nothing
            self._heard = now
            if now - self._stuck_up >= DESKTOP_STUCK_SECONDS:
                self._owner.link_troubled(Trouble.DESKTOP_STUCK)
        elif now - self._heard >= SILENT_SECONDS:
            self._owner.link_troubled(Trouble.BROWSER_SILENT)
        elif now - self._pinged >= PING_SECONDS:
            self._pinged = now
            self._say(frames.control(frames.Opcode.PING, int(now * 1e9).to_bytes(8, "big")))

    def close(self, code: int, reason: str, patience: float = 0.5) -> None:
        """Read the desktop no more; send what is stuck, then the close frame, within ``patience`` seconds; end.

        Called again, the newer code, reason and patience hold.
        """
        if self._done:
            return
        self._closing, self._control = (code, reason), b""
        self._drop_desktop()
        if not self._down:
            self._push(frames.close(code, reason))
        elif self._close_frame or self._deadline is None:
            self._close_frame = frames.close(code, reason)
        if not self._down:
            self._finish(By.PROXY, code, reason)
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_later(patience, self._finish, By.PROXY, code, reason)

    def _drop_desktop(self) -> None:
        desktop = self._release_desktop()
        if desktop is not None:
            desktop.close()
            stuck, self._up, self._stuck_up = bool(self._up), b"", 0.0
            if stuck and not self._done:  # the browser waits to be read again
                self._watch_browser()

    def _release_desktop(self) -> socket.socket | None:
        desktop, self._desktop = self._desktop, None
        if desktop is not None:
            self._watcher.forget(desktop.fileno())
        return desktop

    def _finish(self, by: By, code: int, reason: str) -> None:
        if self._done:
            return
        self._done = True
        if self._closing is not None:
            by, (code, reason) = By.PROXY, self._closing
        if self._deadline is not None:
            self._deadline.cancel()
        self._watcher.forget(self._browser.fileno())
        rest, desktop = self._up, self._release_desktop()
        self._down = self._control = self._close_frame = self._up = b""
        self._owner.link_ended(End(by, code, reason, self._browser, desktop, rest))
