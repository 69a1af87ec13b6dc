"""Peers that are slow on purpose: heads, handshakes and desktops that never come to their end have a deadline."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from asci_shared import passwords
from tests.integration.proxy.browser import CLOSE, PING, Browser, Closed, des, masked_frame
from tests.integration.proxy.desktop import SERVER_INIT, Desktop, echo, hold
from tests.integration.proxy.portal import KEY, Portal, Proxy, secret_of, wait_for

VERSION = b"RFB 003.008\n"


@pytest.fixture(scope="module")
def hasty(redis_server: Any) -> Iterator[Proxy]:
    """A proxy whose deadlines are a second."""
    proxy = Proxy(redis_server.port, ASCI_PROXY_HANDSHAKE_SECONDS="1", ASCI_PROXY_DIAL_SECONDS="0.7")
    proxy.start()
    yield proxy
    proxy.stop()


# -- the head of a request --


def is_put_out(sock: socket.socket, dribble: bytes = b"") -> bool:
    """Whether the proxy ends the connection although a byte of ``dribble`` comes every 0.2 s."""
    sock.settimeout(0.2)
    for index in range(40):
        with contextlib.suppress(TimeoutError):
            try:
                if not sock.recv(65536):
                    return True
            except ConnectionError:
                return True
        with contextlib.suppress(OSError):
            sock.sendall(dribble[index : index + 1])
    return False


@pytest.mark.parametrize(
    ("at_once", "dribble"),
    [
        (b"", b""),
        (b"", b"GET /connect/abcdefgh HTTP/1.1\r\nHost: localhost\r\n"),
        (b"GET /connect/x HTTP/1.1\r\nHost: localhost\r\nCookie: ", b"x" * 100),
        (b"GET /connect/x HTTP/1.1\r\nHost: localhost\r\n\r\n", b""),  # answered, then silent
        (b"GET /connect/x HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /connect/x HTTP/1.1\r\nHost: localhost\r\nA: b"),
    ],
)
def test_a_head_that_does_not_end_is_not_waited_for(hasty: Proxy, at_once: bytes, dribble: bytes) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=5) as sock:
        sock.sendall(at_once)
        assert is_put_out(sock, dribble)


# -- the handshake, browser's side --

Stall = Callable[[Browser, str], None]


def _version(browser: Browser, _password: str) -> None:
    assert browser.read(12) == VERSION
    browser.send(VERSION)


def _choice(browser: Browser, password: str) -> None:
    _version(browser, password)
    assert browser.read(2) == b"\x01\x02"
    browser.send(b"\x02")


def _half_an_answer(browser: Browser, password: str) -> None:
    _choice(browser, password)
    browser.send(des(browser.read(16), password)[:8])


def _answer(browser: Browser, password: str) -> None:
    _choice(browser, password)
    browser.send(des(browser.read(16), password))


STEPS: dict[str, Stall] = {
    "says nothing": lambda _browser, _password: None,
    "half a version": lambda browser, _: browser.send(VERSION[:5]),
    "half a frame": lambda browser, _: browser.sock.sendall(masked_frame(VERSION)[:9]),
    "version": _version,
    "choice": _choice,
    "half an answer": _half_an_answer,
    "answer, no ClientInit": _answer,
}


@contextlib.contextmanager
def at_step(proxy: Proxy, portal: Portal, step: str, port: int, **changes: Any) -> Iterator[Browser]:
    """A browser that has come so far in its handshake."""
    token = portal.sign_in()
    ticket = portal.ticket(token, port, **changes)
    with proxy.browser(ticket, token).connect() as browser:
        STEPS[step](browser, passwords.one_time_password(KEY, ticket.connection))
        yield browser


@pytest.mark.parametrize("step", STEPS)
def test_a_viewer_that_stops_in_its_handshake_is_put_out(hasty: Proxy, portal: Portal, step: str) -> None:
    with Desktop(secret_of(), hold).listening() as port, at_step(hasty, portal, step, port) as browser:
        closed = browser.closing()
        assert (closed.code, closed.reason) == (4408, "The handshake took too long.")


def test_pings_do_not_lengthen_the_handshake(hasty: Proxy, portal: Portal) -> None:
    with Desktop(secret_of(), hold).listening() as port, at_step(hasty, portal, "choice", port) as browser:
        browser.sock.settimeout(0.2)
        with pytest.raises(Closed, match=r"^4408 "):
            ping_on(browser)


def ping_on(browser: Browser) -> None:
    """For 8 s, or until the proxy closes."""
    for _ in range(40):
        browser.send_frame(b"still here", PING)
        with contextlib.suppress(TimeoutError):
            browser.read_some()


# -- the handshake, desktop's side --


@pytest.mark.parametrize("words", [VERSION, VERSION + b"\x01\x02" + bytes(16)])
def test_a_desktop_that_dribbles_has_a_deadline(hasty: Proxy, portal: Portal, words: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        with at_step(hasty, portal, "answer, no ClientInit", port) as browser:
            sock, _ = door.accept()
            with sock:
                for index in range(len(words)):
                    time.sleep(0.1)
                    with contextlib.suppress(OSError):
                        sock.sendall(words[index : index + 1])
                closed = browser.closing()
                assert (closed.code, closed.reason.split(":")[0]) == (4502, "vnc")


# -- who leaves in the midst of it --


def _says_goodbye(browser: Browser) -> None:
    browser.send_frame((1001).to_bytes(2, "big"), CLOSE)


def _half_closes(browser: Browser) -> None:
    browser.sock.shutdown(socket.SHUT_WR)


def _breaks_off(browser: Browser) -> None:
    browser.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    browser.close()


LEAVE: dict[str, Callable[[Browser], None]] = {
    "says good-bye": _says_goodbye,
    "half-closes": _half_closes,
    "breaks off": _breaks_off,
}


@pytest.mark.parametrize("leave", LEAVE)
@pytest.mark.parametrize("step", STEPS)
def test_a_browser_may_leave_at_any_step(proxy: Proxy, portal: Portal, step: str, leave: str) -> None:
    before = len(proxy.lines("connection.ended"))
    if (step, leave) == ("half a frame", "says good-bye"):
        pytest.skip("inside a frame there is no place for another one")
    with Desktop(secret_of(), hold).listening() as port, at_step(proxy, portal, step, port) as browser:
        LEAVE[leave](browser)
        wait_for(lambda: len(proxy.lines("connection.ended")) > before, "its end", 5)
        end = proxy.lines("connection.ended")[before]["asci"]
        assert (end["by"], end["code"]) == ("browser", 1006)
        if leave == "says good-bye":
            assert browser.closing().code == 1001


@pytest.mark.parametrize("said", [b"", VERSION[:6], VERSION, VERSION + b"\x01\x02", VERSION + b"\x01\x02" + bytes(16)])
@pytest.mark.parametrize("reset", [False, True])
def test_a_desktop_may_leave_at_any_step(proxy: Proxy, portal: Portal, said: bytes, reset: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        with at_step(proxy, portal, "answer, no ClientInit", port) as browser:
            sock, _ = door.accept()
            sock.sendall(said)
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
            closed = browser.closing()
            # a reset may come before the proxy has seen that the port took the connection
            assert (closed.code, closed.reason.split(":")[0]) in {(4502, "vnc"), (4502, "node" if reset else "vnc")}


def test_a_handshake_that_was_begun_before_sigterm_is_finished(redis_server: Any, portal: Portal) -> None:
    own = Proxy(redis_server.port, ASCI_PROXY_DRAIN_SECONDS="2")
    own.start()
    try:
        with (
            Desktop(secret_of(), echo).listening() as port,
            at_step(own, portal, "answer, no ClientInit", port) as browser,
        ):
            own.process.terminate()
            wait_for(lambda: own.inward("/health/ready") == (503, '{"status": "draining"}'), "readiness to say so")
            browser.send(b"\x01")
            assert browser.read(4 + len(SERVER_INIT)) == bytes(4) + SERVER_INIT
            browser.send(b"flows")
            assert browser.read(5) == b"flows"
            assert browser.closing().code == 1012
        assert own.process.wait(10) == 0
    finally:
        own.stop()
