"""A TCP wire between two parts that a test can make fall silent, without either end being told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class StallingWire:
    """Forwards connections to ``target`` from a port of its own."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._door = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._door.getsockname()[1]
        self._strands: list[_Strand] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self, chosen: Callable[[bytes], bool] = lambda _: True) -> int:
        """From now on nothing passes on the present connections whose first words are ``chosen``; returns how many."""
        stalled = [strand for strand in self._strands if not strand.ended and chosen(bytes(strand.first))]
        for strand in stalled:
            strand.silent.set()
        return len(stalled)

    def close(self) -> None:
        """Cut everything."""
        self._door.close()
        for strand in self._strands:
            strand.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            strand = _Strand(near, far)
            self._strands.append(strand)
            threading.Thread(target=strand.pump, args=(near, far, True), daemon=True).start()
            threading.Thread(target=strand.pump, args=(far, near, False), daemon=True).start()


class _Strand:
    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self._near, self._far = near, far
        self.first = bytearray()
        self.silent = threading.Event()
        self.ended = False

    def pump(self, source: socket.socket, sink: socket.socket, remember: bool) -> None:
        try:
            while data := source.recv(65536):
                if remember and len(self.first) < 4096:
                    self.first += data
                if not self.silent.is_set():
                    sink.sendall(data)
        except OSError:
            pass
        if not self.silent.is_set():
            self.cut()
        self.ended = True

    def cut(self) -> None:
        for sock in (self._near, self._far):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
