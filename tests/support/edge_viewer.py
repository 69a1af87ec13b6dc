"""A viewer through the edge without a browser: the WebSocket of ``/connect/…`` as RFB speaks it, honest or not."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.support.api_caller import ApiCaller
from tests.support.rfb_client import RfbClient, RfbError

TIMEOUT = 10.0
NEVER_CLOSED = 0


class UpgradeRefused(Exception):
    """The upgrade was answered with an HTTP status."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"the upgrade was answered with {status}: {body[:200]!r}")
        self.status = status


def open_socket(
    url: str, path: str, token: str, *, origin: str | None = None, subprotocols: tuple[str, ...] = ("binary",)
) -> ClientConnection:
    """The WebSocket at ``path``, with the sign-in token as the cookie. Raises UpgradeRefused."""
    address = f"ws://{urlsplit(url).netloc}{path}"
    headers = {"Cookie": f"asci={token}"} if token else {}
    try:
        return connect(
            address,
            origin=Origin(url if origin is None else origin) if origin != "" else None,
            subprotocols=[Subprotocol(name) for name in subprotocols],
            additional_headers=headers,
            open_timeout=TIMEOUT,
            close_timeout=2.0,
            compression=None,
            proxy=None,
            max_size=None,
            legacy=True,
        )
    except InvalidStatus as refused:
        raise UpgradeRefused(refused.response.status_code, bytes(refused.response.body or b"")) from None


def closed_with(opened: ClientConnection, *, within: float = TIMEOUT) -> int:
    """Reads until the other side closes; its code, 1006 when it went without a word, NEVER_CLOSED when it did not."""
    deadline = time.monotonic() + within
    try:
        while (left := deadline - time.monotonic()) > 0:
            opened.recv(timeout=left)
    except TimeoutError:
        return NEVER_CLOSED
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
    return NEVER_CLOSED


class EdgeViewer:
    """One desktop, watched through the edge. Use as a context manager; ``rfb`` is the viewer."""

    def __init__(self, url: str, ticket: dict[str, Any], token: str) -> None:
        self.closed_at: float | None = None
        self.closed_code: int | None = None
        self._socket = open_socket(url, ticket["url"], token)
        ours, theirs = socket.socketpair()
        ours.settimeout(20.0)
        self._ours, self._theirs = ours, theirs
        self._threads = [threading.Thread(target=pour, daemon=True) for pour in (self._down, self._up)]
        for thread in self._threads:
            thread.start()
        try:
            self.rfb = RfbClient.over(ours, ticket["password"])
        except BaseException:
            self.close()
            raise

    def send_raw(self, data: bytes) -> None:
        """Puts bytes on the wire below the WebSocket."""
        self._socket.socket.sendall(data)

    def wait_closed(self, *, within: float) -> float:
        """The monotonic time at which the other side closed. Raises TimeoutError."""
        self._threads[0].join(within)
        if self.closed_at is None:
            raise TimeoutError(f"the connection still stands after {within:g} s")
        return self.closed_at

    def close(self) -> None:
        """Leaves as a browser does that goes elsewhere."""
        with contextlib.suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5.0)
        self._ours.close()
        self._theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _down(self) -> None:
        try:
            for message in self._socket:
                self._theirs.sendall(message if isinstance(message, bytes) else message.encode())
        except (ConnectionClosed, OSError):
            pass
        self.closed_at = time.monotonic()
        self.closed_code = self._socket.close_code
        with contextlib.suppress(OSError):
            self._theirs.shutdown(socket.SHUT_RDWR)

    def _up(self) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):
            while data := self._theirs.recv(1 << 16):
                self._socket.send(data)


def enter(caller: ApiCaller, instance: str, mode: str = "control", *, within: float = 10.0) -> EdgeViewer:
    """A viewer as a page gets one: with a new ticket when the desktop is just being given a new password."""
    deadline = time.monotonic() + within
    while True:
        try:
            return EdgeViewer(caller.url, caller.connect(instance, mode), caller.token)
        except RfbError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
