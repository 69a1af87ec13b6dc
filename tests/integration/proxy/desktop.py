"""A desktop of the tests' own: real RFB security in front of a plain byte source and sink, one thread a viewer."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.integration.proxy.browser import des

PATTERN = bytes((index * 7 + index // 251) & 0xFF for index in range(1 << 16))
SERVER_INIT = b"\x00\x10\x00\x10" + bytes(16) + b"\x00\x00\x00\x04test"


def pattern(start: int, length: int) -> bytes:
    """``length`` bytes of the endless pattern from ``start`` on."""
    turn = start % len(PATTERN)
    return (PATTERN[turn:] + PATTERN * (length // len(PATTERN) + 1))[:length]


def read_exactly(sock: socket.socket, count: int) -> bytes:
    """So many bytes; fewer where the peer ended before."""
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            break
        data += piece
    return data


@dataclass
class Desktop:
    """Listens on a port of its own; ``act`` plays what comes behind ServerInit."""

    secret: str
    act: Callable[[socket.socket], None]
    banner: bytes = b"RFB 003.008\n"
    entered: threading.Event = field(default_factory=threading.Event)
    client_inits: list[bytes] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    @contextlib.contextmanager
    def listening(self) -> Iterator[int]:
        """Its port."""
        with socket.create_server(("127.0.0.1", 0), backlog=64) as door:
            threading.Thread(target=self._accept, args=(door,), daemon=True).start()
            yield door.getsockname()[1]
            with contextlib.suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)

    def _accept(self, door: socket.socket) -> None:
        while True:
            try:
                sock, _ = door.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            sock.settimeout(90)
            try:
                if self._let_in(sock):
                    self.entered.set()
                    self.act(sock)
            except OSError:
                pass
            except BaseException as error:  # noqa: BLE001  (shown by the test that owns this desktop)
                self.errors.append(error)

    def _let_in(self, sock: socket.socket) -> bool:
        sock.sendall(self.banner)
        if read_exactly(sock, 12) != b"RFB 003.008\n":
            return False
        sock.sendall(b"\x01\x02")
        assert read_exactly(sock, 1) == b"\x02"
        challenge = os.urandom(16)
        sock.sendall(challenge)
        if read_exactly(sock, 16) != des(challenge, self.secret):
            sock.sendall(b"\x00\x00\x00\x01\x00\x00\x00\x06denied")
            return False
        sock.sendall(b"\x00\x00\x00\x00")
        self.client_inits.append(read_exactly(sock, 1))
        sock.sendall(SERVER_INIT)
        return True


def echo(sock: socket.socket) -> None:
    """Send back what comes."""
    while data := sock.recv(65536):
        sock.sendall(data)


def hold(sock: socket.socket) -> None:
    """Take everything, say nothing."""
    while sock.recv(65536):
        pass
