"""A small RFB (VNC) viewer for tests and benchmarks: what a person's viewer does, and no more than tests need.

One thread, one socket: `pump` reads what has come, every `wait_*` pumps until it has what it waits for. Pixels travel
raw, so that a frame is exactly what the server drew. Protocol: RFC 6143, with the community's ExtendedDesktopSize,
Cursor and extended clipboard.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from PIL import Image

RAW, COPY_RECT, CURSOR, DESKTOP_SIZE, LAST_RECT, EXTENDED_DESKTOP_SIZE = 0, 1, -239, -223, -224, -308
EXTENDED_CLIPBOARD = 0xC0A1E5CE - (1 << 32)

CLIPBOARD_TEXT, CLIPBOARD_CAPS, CLIPBOARD_REQUEST, CLIPBOARD_PEEK, CLIPBOARD_NOTIFY, CLIPBOARD_PROVIDE = (
    1 << bit for bit in (0, 24, 25, 26, 27, 28)
)

CLIPBOARD_ALL = (
    CLIPBOARD_TEXT | CLIPBOARD_CAPS | CLIPBOARD_REQUEST | CLIPBOARD_PEEK | CLIPBOARD_NOTIFY | CLIPBOARD_PROVIDE
)

#: Keysyms of keys that have no character.
KEYS: Mapping[str, int] = {
    "BackSpace": 0xFF08, "Tab": 0xFF09, "Return": 0xFF0D, "Escape": 0xFF1B, "Home": 0xFF50, "Left": 0xFF51,
    "Up": 0xFF52, "Right": 0xFF53, "Down": 0xFF54, "End": 0xFF57, "F1": 0xFFBE, "F2": 0xFFBF, "F4": 0xFFC1,
    "F10": 0xFFC7, "Shift": 0xFFE1, "Control": 0xFFE3, "Alt": 0xFFE9, "Super": 0xFFEB, "Delete": 0xFFFF,
}  # fmt: skip


class RfbError(Exception):
    """The other side does not speak RFB as expected, or went away."""


class PasswordRefused(RfbError):
    """The server refused the password; the text is the server's reason, often empty."""


@dataclass
class Desktop:
    """What the viewer knows of the server's screen."""

    width: int
    height: int
    name: str
    pixels: Image.Image
    updates: int = 0
    last_change: float = field(default_factory=time.monotonic)  # when pixels last differed, on the monotonic clock


def read_banner(host: str, port: int, timeout: float = 3.0) -> str:
    """The server's version line, such as "RFB 003.008". Raises OSError when nothing answers, RfbError on others."""
    with socket.create_connection((host, port), timeout=timeout) as connection:
        banner = _read_exactly(connection, 12)
    if not banner.startswith(b"RFB "):
        raise RfbError(f"no RFB banner but {banner!r}")
    return banner.decode("ascii").rstrip("\n")


def wait_banner(address: Callable[[], tuple[str, int]], timeout: float = 15.0) -> float:
    """Asks until the banner comes; returns the monotonic time when it came. Published ports answer too early."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            read_banner(*address(), timeout=1.0)
        except (OSError, RfbError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return time.monotonic()


def vnc_auth_response(password: str, challenge: bytes) -> bytes:
    """DES of the challenge under the password, whose bytes' bits are mirrored, as VncAuth wants it."""
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode("ascii")[:8].ljust(8, b"\0"))
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305 - the protocol is what it is
    return encryptor.update(challenge) + encryptor.finalize()


#: Signs that had keysyms before Unicode; noVNC sends these, and the X server knows upper and lower case only of them.
OLD_KEYSYMS: Mapping[str, int] = {
    "\n": KEYS["Return"], "\t": KEYS["Tab"], "€": 0x20AC, "Ω": 0x07D9, "я": 0x06D1,
}  # fmt: skip


def keysym_of(character: str) -> int:
    """The keysym of a character as noVNC sends it: Latin-1 stands for itself, few are older, the rest is by rule."""
    code = ord(character)
    return OLD_KEYSYMS.get(character, code if code < 0x100 else 0x01000000 | code)


class RfbClient:
    """One viewer on one desktop, connected and initialised. Use as a context manager."""

    def __init__(self, connection: socket.socket, version: str, desktop: Desktop) -> None:
        self._connection = connection
        self.version = version
        self.desktop = desktop
        self.resize_answers: list[int] = []  # status of each of our own SetDesktopSize, 0 is success, 1 prohibited
        self.server_clipboard: str | None = None
        self.bells = 0
        self._offered_text = ""
        self._handlers: dict[int, Callable[[], None]] = {
            0: self._on_update, 1: self._on_colours, 2: self._on_bell, 3: self._on_cut_text,
        }  # fmt: skip

    # -- coming and going

    @classmethod
    def connect(cls, host: str, port: int, password: str, *, timeout: float = 5.0) -> Self:
        """Connects, answers VncAuth, and asks for the whole screen. Raises PasswordRefused, RfbError or OSError."""
        connection = socket.create_connection((host, port), timeout=timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls.over(connection, password)

    @classmethod
    def over(cls, connection: socket.socket, password: str) -> Self:
        """The same over a socket that leads to the server already; it is closed when the server refuses."""
        try:
            version = _handshake(connection, password)
            client = cls(connection, version, _initialise(connection))
        except BaseException:
            connection.close()
            raise
        client._announce()
        return client

    def close(self) -> None:
        """Ends the connection; doing so twice is fine."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what a person does

    def key(self, keysym: int, *, down: bool) -> None:
        """Presses or releases one key."""
        self._send(struct.pack(">BBxxI", 4, down, keysym))

    def press(self, *names: str) -> None:
        """A chord such as press("Alt", "F2"): down in order, up in reverse. Names are of KEYS or single characters."""
        keysyms = [KEYS.get(name) or keysym_of(name) for name in names]
        for keysym in keysyms:
            self.key(keysym, down=True)
        for keysym in reversed(keysyms):
            self.key(keysym, down=False)

    def type_text(self, text: str, *, pause: float = 0.0) -> None:
        """Types characters by keysym, whatever the keyboard layout is."""
        for character in text:
            self.press(character)
            if pause:
                self.pump(pause)

    def pointer(self, x: int, y: int, buttons: int = 0) -> None:
        """Moves the pointer; `buttons` is the mask of those held down."""
        self._send(struct.pack(">BBHH", 5, buttons, x, y))

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Moves there and clicks."""
        for mask in (0, 1 << (button - 1), 0):
            self.pointer(x, y, mask)

    def resize(self, width: int, height: int, *, timeout: float = 10.0) -> int:
        """Asks for another screen size; returns the server's status: 0 done, 1 prohibited, or another."""
        before = len(self.resize_answers)
        self._send(struct.pack(">BxHHBx", 251, width, height, 1) + struct.pack(">IHHHHI", 0, 0, 0, width, height, 0))
        self.wait_for(lambda: len(self.resize_answers) > before, timeout=timeout, what="an answer to the resize")
        return self.resize_answers[-1]

    def offer_clipboard(self, text: str) -> None:
        """Tells the server that the viewer's clipboard holds this text; the server fetches it when a program pastes."""
        self._offered_text = text
        self._send_clipboard(CLIPBOARD_NOTIFY | CLIPBOARD_TEXT)

    # -- waiting

    def request_update(self, *, incremental: bool = True) -> None:
        """Asks for the screen; without `incremental`, for all of it."""
        self._send(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.desktop.width, self.desktop.height))

    def pump(self, seconds: float) -> bool:
        """Handles messages that come within this time, all that are there at least; says whether any came."""
        deadline = time.monotonic() + seconds
        seen = False
        while select.select([self._connection], [], [], max(0.0, deadline - time.monotonic()))[0]:
            self._handle_message()
            seen = True
            if time.monotonic() > deadline:
                break
        return seen

    def wait_for(self, condition: Callable[[], bool], *, timeout: float = 10.0, what: str = "something") -> None:
        """Pumps until the condition holds; raises TimeoutError that names what was waited for."""
        deadline = time.monotonic() + timeout
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"waited {timeout} s for {what}")
            self.pump(min(0.05, left))

    def wait_frame(self, *, timeout: float = 10.0) -> Image.Image:
        """The whole screen, freshly sent."""
        before = self.desktop.updates
        self.request_update(incremental=False)
        self.wait_for(lambda: self.desktop.updates > before, timeout=timeout, what="a frame")
        return self.desktop.pixels.copy()

    # -- messages from the server

    def _handle_message(self) -> None:
        kind = self._read(1)[0]
        handler = self._handlers.get(kind)
        if handler is None:
            raise RfbError(f"the server sent message {kind}, which was not asked for")
        handler()

    def _on_update(self) -> None:
        (count,) = struct.unpack(">xH", self._read(3))
        for _ in range(count):
            x, y, width, height, encoding = struct.unpack(">HHHHi", self._read(12))
            if encoding == LAST_RECT:
                break
            self._on_rectangle(x, y, width, height, encoding)
        self.desktop.updates += 1
        self.request_update()

    def _on_rectangle(self, x: int, y: int, width: int, height: int, encoding: int) -> None:
        match encoding:
            case 0:
                self._paste(
                    x, y, Image.frombuffer("RGB", (width, height), self._read(width * height * 4), "raw", "BGRX", 0, 1)
                )
            case 1:
                from_x, from_y = struct.unpack(">HH", self._read(4))
                self._paste(x, y, self.desktop.pixels.crop((from_x, from_y, from_x + width, from_y + height)))
            case -239:
                self._read(width * height * 4 + (width + 7) // 8 * height)
            case -223:
                self._on_size(width, height)
            case -308:
                screens = self._read(4)[0]
                self._read(screens * 16)
                if x == 1:  # the answer to a request of this viewer
                    self.resize_answers.append(y)
                if y == 0:
                    self._on_size(width, height)
            case _:
                raise RfbError(f"the server used encoding {encoding}, which was not offered")

    def _paste(self, x: int, y: int, part: Image.Image) -> None:
        box = (x, y, x + part.width, y + part.height)
        if self.desktop.pixels.crop(box).tobytes() != part.tobytes():
            self.desktop.pixels.paste(part, box)
            self.desktop.last_change = time.monotonic()

    def _on_size(self, width: int, height: int) -> None:
        if (width, height) == (self.desktop.width, self.desktop.height):
            return
        self.desktop.width, self.desktop.height = width, height
        self.desktop.pixels = Image.new("RGB", (width, height))
        self.desktop.last_change = time.monotonic()
        self.request_update(incremental=False)

    def _on_colours(self) -> None:
        (count,) = struct.unpack(">xxxH", self._read(5))
        self._read(count * 6)

    def _on_bell(self) -> None:
        self.bells += 1

    def _on_cut_text(self) -> None:
        (length,) = struct.unpack(">xxxi", self._read(7))
        if length >= 0:
            self.server_clipboard = self._read(length).decode("latin-1")
            return
        body = self._read(-length)
        (flags,) = struct.unpack(">I", body[:4])
        if flags & CLIPBOARD_CAPS:
            self._send_clipboard(
                CLIPBOARD_ALL,
                struct.pack(">I", 0),
            )
        elif flags & CLIPBOARD_NOTIFY and flags & CLIPBOARD_TEXT:
            self._send_clipboard(CLIPBOARD_REQUEST | CLIPBOARD_TEXT)
        elif flags & CLIPBOARD_REQUEST:
            text = self._offered_text.replace("\n", "\r\n").encode() + b"\0"
            self._send_clipboard(CLIPBOARD_PROVIDE | CLIPBOARD_TEXT, zlib.compress(struct.pack(">I", len(text)) + text))
        elif flags & CLIPBOARD_PROVIDE and flags & CLIPBOARD_TEXT:
            data = zlib.decompressobj().decompress(body[4:])
            (size,) = struct.unpack(">I", data[:4])
            self.server_clipboard = data[4 : 4 + size].rstrip(b"\0").decode().replace("\r\n", "\n")

    # -- bytes

    def _announce(self) -> None:
        pixel_format = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
        self._send(struct.pack(">Bxxx", 0) + pixel_format)
        encodings = (COPY_RECT, RAW, CURSOR, DESKTOP_SIZE, EXTENDED_DESKTOP_SIZE, LAST_RECT, EXTENDED_CLIPBOARD)
        self._send(struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings))
        self.request_update(incremental=False)

    def _send_clipboard(self, flags: int, data: bytes = b"") -> None:
        body = struct.pack(">I", flags) + data
        self._send(struct.pack(">Bxxxi", 6, -len(body)) + body)

    def _send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def _read(self, count: int) -> bytes:
        return _read_exactly(self._connection, count)


def _handshake(connection: socket.socket, password: str) -> str:
    """Version and security; returns the version that is spoken."""
    banner = _read_exactly(connection, 12)
    if not banner.startswith(b"RFB 003.008"):
        raise RfbError(f"expected RFB 003.008, got {banner!r}")
    connection.sendall(b"RFB 003.008\n")
    kinds = _read_exactly(connection, _read_exactly(connection, 1)[0])
    if not kinds:
        raise RfbError(f"the server refuses: {_read_reason(connection)}")
    if 2 not in kinds:
        raise RfbError(f"the server offers no VncAuth but {list(kinds)}")
    connection.sendall(b"\x02")
    connection.sendall(vnc_auth_response(password, _read_exactly(connection, 16)))
    (result,) = struct.unpack(">I", _read_exactly(connection, 4))
    if result != 0:
        reason = ""
        with contextlib.suppress(RfbError, OSError):
            reason = _read_reason(connection)
        raise PasswordRefused(reason)
    return banner.decode("ascii").rstrip("\n")


def _initialise(connection: socket.socket) -> Desktop:
    """ClientInit (shared) and ServerInit."""
    connection.sendall(b"\x01")
    width, height, length = struct.unpack(">HH16xI", _read_exactly(connection, 24))
    name = _read_exactly(connection, length).decode("utf-8", "replace")
    return Desktop(width=width, height=height, name=name, pixels=Image.new("RGB", (width, height)))


def _read_reason(connection: socket.socket) -> str:
    (length,) = struct.unpack(">I", _read_exactly(connection, 4))
    return _read_exactly(connection, length).decode("utf-8", "replace")


def _read_exactly(connection: socket.socket, count: int) -> bytes:
    return b"".join(_chunks(connection, count))


def _chunks(connection: socket.socket, count: int) -> Iterator[bytes]:
    while count > 0:
        chunk = connection.recv(min(count, 1 << 20))
        if not chunk:
            raise RfbError("the server closed the connection")
        count -= len(chunk)
        yield chunk
