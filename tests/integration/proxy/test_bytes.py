"""Every byte, both ways: order, nothing lost, nothing doubled, whatever the cuts and whoever stops."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import websockets.sync.client

from asci_shared import passwords
from tests.integration.proxy.browser import CLOSE, PING, PONG, Browser, Closed, masked_frame
from tests.integration.proxy.desktop import SERVER_INIT, Desktop, echo, hold, pattern
from tests.integration.proxy.portal import KEY, ORIGIN, Portal, Proxy, secret_of, wait_for

MIB = 1 << 20
PIECE = bytes(MIB)


def opened(proxy: Proxy, portal: Portal, port: int, **changes: Any) -> Browser:
    token = portal.sign_in()
    browser = proxy.enter(portal.ticket(token, port), token, **changes)
    assert browser.read(len(SERVER_INIT)) == SERVER_INIT
    return browser


class Exchange:
    """Both ends send the pattern in writes of every size, at the same time, and compare what they get."""

    SIZES = (1, 7, 125, 126, 65535, 65536, 300_000, MIB)

    def __init__(self, total: int) -> None:
        self._total = total
        self._lock = threading.Lock()
        self.failures: list[BaseException] = []
        self.done = 0

    def desktop(self, sock: socket.socket) -> None:
        self._run(sock.sendall, lambda: sock.recv(65536))
        sock.recv(1)

    def browser(self, browser: Browser) -> None:
        self._run(browser.send, browser.read_some)

    def _run(self, send: Callable[[bytes], None], receive: Callable[[], bytes]) -> None:
        sender = threading.Thread(target=self._send, args=(send,))
        sender.start()
        try:
            self._receive(receive)
        except BaseException as error:  # noqa: BLE001  (shown by the test)
            self.failures.append(error)
        sender.join()
        with self._lock:
            self.done += 1

    def _send(self, send: Callable[[bytes], None]) -> None:
        sizes, sent = random.Random(1), 0
        while sent < self._total:
            size = min(sizes.choice(self.SIZES), self._total - sent)
            send(pattern(sent, size))
            sent += size

    def _receive(self, receive: Callable[[], bytes]) -> None:
        got = 0
        while got < self._total:
            data = receive()
            assert 0 < len(data) <= 256 * 1024, f"{len(data)} bytes after {got}"
            assert data == pattern(got, len(data)), f"wrong byte after {got}"
            got += len(data)
        assert got == self._total


def test_eight_streams_both_ways_byte_for_byte(proxy: Proxy, portal: Portal) -> None:
    exchange = Exchange(6 * MIB)
    with Desktop(secret_of(), exchange.desktop).listening() as port:
        browsers = [opened(proxy, portal, port, timeout=60.0) for _ in range(8)]
        threads = [threading.Thread(target=exchange.browser, args=(browser,)) for browser in browsers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: exchange.done == 16, "both ends of all streams to have everything")
        for browser in browsers:
            browser.close()
    assert exchange.failures == []


def test_single_bytes_fragments_and_pings_in_between(proxy: Proxy, portal: Portal) -> None:
    with Desktop(secret_of(), echo).listening() as port, opened(proxy, portal, port) as browser:
        browser.send_frame(b"one ", final=False)
        browser.send_frame(b"between", PING)
        browser.send_frame(b"", 0, final=False)
        browser.send_frame(b"message", 0)
        assert browser.read(11) == b"one message"
        assert browser.pongs == [b"between"]
        wire = b"".join([masked_frame(b"dribble", final=False), masked_frame(b"", PING), masked_frame(b"d" * 300, 0)])
        for index in range(len(wire)):
            browser.sock.sendall(wire[index : index + 1])
        assert browser.read(307) == b"dribble" + b"d" * 300
        assert browser.pongs == [b"between", b""]


def test_an_independent_client_agrees(proxy: Proxy, portal: Portal) -> None:
    """The `websockets` library checks our frames as strictly as it can."""
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port:
        ticket = portal.ticket(token, port)
        with websockets.sync.client.connect(
            f"ws://127.0.0.1:{proxy.port}/connect/{ticket.connection}",
            origin=websockets.Origin(ORIGIN),
            subprotocols=[websockets.Subprotocol("binary")],
            additional_headers={"Cookie": f"asci={token}"},
        ) as client:
            assert client.subprotocol == "binary"
            assert client.recv() == b"RFB 003.008\n"
            client.ping().wait(5)
            client.close(1000)
            assert client.close_code == 1000


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x82\x05hello", 1002),  # not masked
        (masked_frame(b"text", 1), 1003),
        (masked_frame(b"", 3), 1002),  # unknown opcode
        (masked_frame(b"x", 0), 1002),  # continuation of nothing
        (masked_frame(b"x" * 126, PING), 1002),
        (masked_frame(b"x", PING, final=False), 1002),
        (b"\xc2\x81\0\0\0\0x", 1002),  # reserved bit
        (masked_frame(b"x", final=False) + masked_frame(b"y"), 1002),
        (b"\x82\xff" + (MIB + 1).to_bytes(8, "big") + bytes(4), 1009),
        (b"\x82\xff" + b"\xff" * 8 + bytes(4), 1009),
        (masked_frame(b"\x03", CLOSE), 1002),
    ],
)
def test_broken_frames_end_the_connection_with_their_code(
    proxy: Proxy, portal: Portal, frame: bytes, code: int
) -> None:
    got = b""
    ended = threading.Event()

    def act(sock: socket.socket) -> None:
        nonlocal got
        while data := sock.recv(1000):
            got += data
        ended.set()

    with Desktop(secret_of(), act).listening() as port, opened(proxy, portal, port) as browser:
        browser.sock.sendall(masked_frame(b"before") + frame)
        assert browser.closing().code == code
        assert ended.wait(5)
        assert got.startswith(b"before"), "what came before the broken frame is delivered"


def test_broken_frames_during_the_handshake_too(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with (
        Desktop(secret_of(), hold).listening() as port,
        proxy.browser(portal.ticket(token, port), token).connect() as browser,
    ):
        browser.send_frame(b"RFB 003.008\n", 1)
        assert browser.closing().code == 1003


def test_a_close_frame_is_answered_with_its_code(proxy: Proxy, portal: Portal) -> None:
    desktop = Desktop(secret_of(), echo)
    with desktop.listening() as port, opened(proxy, portal, port) as browser:
        browser.send_frame((1001).to_bytes(2, "big") + b"going away", CLOSE)
        assert browser.closing().code == 1001
        assert browser.sock.recv(1) == b""


def test_bytes_before_a_close_frame_reach_a_desktop_that_is_slow(proxy: Proxy, portal: Portal) -> None:
    got: list[int] = []
    go = threading.Event()

    def act(sock: socket.socket) -> None:
        go.wait(30)
        count = 0
        while data := sock.recv(65536):
            assert data == pattern(count, len(data))
            count += len(data)
        got.append(count)

    total = 1 * MIB
    desktop = Desktop(secret_of(), act)
    with desktop.listening() as port, opened(proxy, portal, port) as browser:
        sender = threading.Thread(target=lambda: browser.sock.sendall(_closing_after(total)))
        sender.start()
        time.sleep(0.2)
        go.set()
        sender.join()
        wait_for(lambda: got or desktop.errors, "the desktop's end")
    assert (got, desktop.errors) == ([total], [])


def _closing_after(total: int) -> bytes:
    chunks = [masked_frame(pattern(start, 65536)) for start in range(0, total, 65536)]
    return b"".join(chunks) + masked_frame((1000).to_bytes(2, "big"), CLOSE)


def test_stuck_bytes_are_delivered_before_the_close_frame_when_the_desktop_ends(proxy: Proxy, portal: Portal) -> None:
    total = 24 * MIB  # far more than the kernel's buffers hold

    def act(sock: socket.socket) -> None:
        for start in range(0, total, MIB):
            sock.sendall(pattern(start, MIB))

    with Desktop(secret_of(), act).listening() as port:
        token = portal.sign_in()
        with proxy.enter(portal.ticket(token, port), token, receive_buffer=65536) as browser:
            browser.read(len(SERVER_INIT))
            time.sleep(1.5)
            got = 0
            while got < total:
                data = browser.read_some()
                assert data == pattern(got, len(data))
                got += len(data)
            closed = browser.closing()
            assert closed.code == 4502
            assert closed.reason.startswith("vnc: ")


def test_a_browser_that_stops_reading_costs_no_memory_and_loses_nothing(proxy: Proxy, portal: Portal) -> None:
    total = 64 * MIB

    def act(sock: socket.socket) -> None:
        for start in range(0, total, MIB):
            sock.sendall(pattern(start, MIB))
        sock.recv(1)

    with Desktop(secret_of(), act).listening() as port, opened(proxy, portal, port, receive_buffer=65536) as browser:

        def taken() -> float:
            """Bytes read from desktops, after a while."""
            time.sleep(0.5)
            return proxy.metric('asci_proxy_bytes_total{direction="down"}')

        wait_for(lambda: taken() == taken(), "the desktop to be read no more")
        stuck, before = taken(), proxy.memory()
        time.sleep(1)
        assert taken() == stuck
        assert abs(proxy.memory() - before) < MIB
        assert proxy.metric("asci_proxy_stalls_total") > 0
        got = 0
        while got < total:
            data = browser.read_some()
            assert data == pattern(got, len(data))
            got += len(data)


def test_browsers_that_stop_reading_do_not_touch_their_neighbours(proxy: Proxy, portal: Portal) -> None:
    """Three desktops flood browsers that take nothing; two neighbours exchange every byte; memory stays flat."""

    def flood(sock: socket.socket) -> None:
        while True:
            sock.sendall(PIECE)

    exchange = Exchange(8 * MIB)
    with (
        Desktop(secret_of(), flood).listening() as flooding,
        Desktop(secret_of(), exchange.desktop).listening() as port,
        contextlib.ExitStack() as stack,
    ):
        stuck = [stack.enter_context(opened(proxy, portal, flooding, receive_buffer=65536)) for _ in range(3)]
        stalls = proxy.metric("asci_proxy_stalls_total")
        neighbours = [stack.enter_context(opened(proxy, portal, port, timeout=60.0)) for _ in range(2)]
        time.sleep(1)
        before = proxy.memory()
        threads = [threading.Thread(target=exchange.browser, args=(browser,)) for browser in neighbours]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: exchange.done == 4, "the neighbours to have everything")
        assert exchange.failures == []
        assert proxy.memory() - before < 2 * MIB
        assert proxy.metric("asci_proxy_stalls_total") >= stalls >= 3
        wait_for(lambda: proxy.metric("asci_proxy_connections") == 5, "those of other tests to go, and no other")
        for browser in stuck:
            browser.send_frame(b"", PONG)


def test_the_desktops_end_waits_for_the_word_that_the_instance_ended(proxy: Proxy, portal: Portal) -> None:
    revoke: list[Callable[[], object]] = []

    def act(sock: socket.socket) -> None:
        sock.recv(1)
        threading.Timer(0.3, revoke[0]).start()

    revoke.append(lambda: portal.revoke("instance", 4404, instance="i-test"))
    with Desktop(secret_of(), act).listening() as port, opened(proxy, portal, port) as browser:
        browser.send(b"x")
        assert browser.closing().code == 4404


def test_a_browser_that_is_cut_is_forgotten(proxy: Proxy, portal: Portal) -> None:
    ended = threading.Event()

    def act(sock: socket.socket) -> None:
        while sock.recv(1000):
            pass
        ended.set()

    with Desktop(secret_of(), act).listening() as port:
        browser = opened(proxy, portal, port)
        browser.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        browser.close()
        assert ended.wait(5), "the desktop's side is closed"


def test_a_half_closed_browser_is_gone(proxy: Proxy, portal: Portal) -> None:
    with Desktop(secret_of(), hold).listening() as port, opened(proxy, portal, port) as browser:
        browser.sock.shutdown(socket.SHUT_WR)
        assert browser.closing().code == 1006


@pytest.mark.parametrize("stuck", [0, 24 * MIB])
def test_a_half_closed_desktop_has_said_all(proxy: Proxy, portal: Portal, stuck: int) -> None:
    """What it said arrives whole before the close frame; what it could still hear is over."""

    def act(sock: socket.socket) -> None:
        for start in range(0, stuck, MIB):
            sock.sendall(pattern(start, MIB))
        sock.sendall(b"last words")
        sock.shutdown(socket.SHUT_WR)
        hold(sock)

    desktop = Desktop(secret_of(), act)
    with desktop.listening() as port, opened(proxy, portal, port, receive_buffer=65536) as browser:
        if stuck:
            time.sleep(1)
        for start in range(0, stuck, MIB):
            assert browser.read(MIB) == pattern(start, MIB)
        assert browser.read(10) == b"last words"
        assert browser.closing().code == 4502
    assert desktop.errors == []


def test_a_half_closed_browser_has_said_all(proxy: Proxy, portal: Portal) -> None:
    """What it said reaches a desktop that is slow to listen."""
    got, go = [0], threading.Event()

    def act(sock: socket.socket) -> None:
        go.wait(30)
        while data := sock.recv(65536):
            assert data == pattern(got[0], len(data))
            got[0] += len(data)

    total = 2 * MIB
    desktop = Desktop(secret_of(), act)
    with desktop.listening() as port, opened(proxy, portal, port) as browser:

        def say() -> None:
            for start in range(0, total, 65536):
                browser.send(pattern(start, 65536))
            browser.sock.shutdown(socket.SHUT_WR)

        saying = threading.Thread(target=say)
        saying.start()
        time.sleep(0.3)
        go.set()
        saying.join()
        wait_for(lambda: got[0] == total or desktop.errors, "everything to reach the desktop")
        assert browser.closing().code == 1006
    assert desktop.errors == []


class Jam:
    """Both sides send as much as goes and read nothing, until told."""

    def __init__(self, proxy: Proxy, portal: Portal) -> None:
        self.proxy, self.portal = proxy, portal
        self.stuck, self.go_on = threading.Event(), threading.Event()
        self.sent = 0
        self.desktop_leaves = False
        self.over = threading.Event()

    def desktop(self, sock: socket.socket) -> None:
        sock.settimeout(0.3)
        try:
            while True:
                self.sent += sock.send(pattern(self.sent, 65536))
        except TimeoutError:
            self.stuck.set()
        sock.settimeout(30)
        self.go_on.wait(30)
        if self.desktop_leaves:
            sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):  # it is cut off where its bytes are not wanted any more
            hold(sock)
        self.over.set()

    def browser(self, browser: Browser) -> None:
        """Send until nothing goes any more, either way."""
        browser.sock.settimeout(0.3)
        wire = b"".join(masked_frame(pattern(start, 65536)) for start in range(0, MIB, 65536))
        with contextlib.suppress(TimeoutError):
            while True:
                browser.sock.sendall(wire)
        browser.sock.settimeout(20)
        assert self.stuck.wait(10), "the desktop is stuck as well"


@pytest.fixture
def jam(proxy: Proxy, portal: Portal) -> Jam:
    return Jam(proxy, portal)


def test_with_bytes_stuck_both_ways_a_revocation_closes(jam: Jam) -> None:
    with Desktop(secret_of(), jam.desktop).listening() as port, opened(jam.proxy, jam.portal, port) as browser:
        jam.browser(browser)
        jam.portal.revoke("instance", 4404, instance="i-test")
        wait_for(lambda: jam.proxy.metric("asci_proxy_connections") == 0, "the connection to be given up", 3)
        jam.go_on.set()
        assert jam.over.wait(5), "the desktop's side is closed"


def test_with_bytes_stuck_both_ways_a_browser_may_leave(jam: Jam) -> None:
    with Desktop(secret_of(), jam.desktop).listening() as port, opened(jam.proxy, jam.portal, port) as browser:
        jam.browser(browser)
        browser.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        browser.close()
        wait_for(lambda: jam.proxy.metric("asci_proxy_connections") == 0, "the connection to be given up", 3)
        jam.go_on.set()
        assert jam.over.wait(5), "the desktop's side is closed"


def test_with_bytes_stuck_both_ways_all_of_an_ended_desktop_arrives(jam: Jam) -> None:
    jam.desktop_leaves = True
    with Desktop(secret_of(), jam.desktop).listening() as port, opened(jam.proxy, jam.portal, port) as browser:
        jam.browser(browser)
        jam.go_on.set()
        with pytest.raises(Closed, match=r"^4502 vnc: "):
            take_all(browser, jam)
        assert jam.over.wait(5)


def take_all(browser: Browser, jam: Jam) -> None:
    """Everything up to the close frame, compared."""
    got = 0
    while True:
        try:
            data = browser.read_some()
        except Closed:
            assert got == jam.sent, "everything that the desktop said"
            raise
        assert data == pattern(got, len(data))
        got += len(data)


def test_the_password_exchange_is_relayed_from_a_real_random_challenge(proxy: Proxy, portal: Portal) -> None:
    """Two connections get two challenges."""
    token = portal.sign_in()
    challenges = set()
    with Desktop(secret_of(), hold).listening() as port:
        for _ in range(4):
            with proxy.browser(portal.ticket(token, port), token).connect() as browser:
                browser.send(b"RFB 003.008\n\x02")
                challenges.add(browser.read(12 + 2 + 16)[-16:])
    assert len(challenges) == 4
    assert passwords.one_time_password(KEY, "a") != passwords.one_time_password(KEY, "b")
