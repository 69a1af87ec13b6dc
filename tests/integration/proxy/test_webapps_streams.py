"""What flows through the proxy between browsers and web applications: bodies, events, WebSockets, and how they end."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import struct
import time
from collections.abc import Iterator

import pytest
import websockets.exceptions

from tests.integration.proxy.app_browser import AppBrowser, entered
from tests.integration.proxy.portal import Portal, Proxy, in_thread, wait_for
from tests.integration.proxy.web_app import WebApp, raw_app, read_head

MIB = 1 << 20
ROOM = 48 * MIB
"""What a process may grow by for other reasons than a body of several times that."""
NOT_HTTP = "application: It answered with something that is not HTTP."
UNASKED = "application: It changed the protocol without being asked to."
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\n"
WEBSOCKET = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
"""The answer to the key of RFC 6455, section 1.3."""
ACCEPTED = SWITCHED + WEBSOCKET + ACCEPT + b"\r\n"
ANSWER = SWITCHED + ACCEPT + b"Referrer-Policy: same-origin\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.fixture
def proxy(apps_proxy: Proxy) -> Proxy:
    return apps_proxy


@pytest.fixture
def app() -> WebApp:
    return WebApp()


@pytest.fixture
def port(app: WebApp) -> Iterator[int]:
    with app.listening() as port:
        yield port


@pytest.fixture
def browser(proxy: Proxy, portal: Portal, port: int) -> AppBrowser:
    return entered(proxy, portal, port)


# -- bodies --


@pytest.mark.parametrize("query", ["", "?length"])
def test_a_long_answer_passes_whole_and_is_held_by_nobody(proxy: Proxy, browser: AppBrowser, query: str) -> None:
    count, before, digest, most = 256 * MIB, proxy.memory(), hashlib.sha256(), 0
    with browser.asking("GET", f"/bytes/{count}{query}") as answer:
        got = 0
        while piece := answer.read(MIB):
            digest.update(piece)
            got += len(piece)
            if got % (32 * MIB) == 0:
                most = max(most, proxy.memory())
    assert got == count
    assert digest.digest() == hashlib.sha256(bytes(range(256)) * (count // 256)).digest()
    assert most - before < ROOM


def test_a_browser_that_does_not_read_stops_the_application(proxy: Proxy, browser: AppBrowser) -> None:
    before = proxy.memory()
    with browser.asking("GET", f"/bytes/{256 * MIB}") as answer:
        time.sleep(1.0)
        assert proxy.memory() - before < ROOM
        assert len(answer.read()) == 256 * MIB


def test_a_long_upload_passes_whole_at_the_applications_pace(proxy: Proxy, browser: AppBrowser, app: WebApp) -> None:
    count, before = 256 * MIB, proxy.memory()
    app.hold(app.may_read)
    said: list[str] = []

    def pieces() -> Iterator[bytes]:
        for _ in range(count // MIB):
            yield bytes(MIB)

    upload = in_thread(lambda: said.append(browser.ask("PUT", "/sink", pieces(), encode_chunked=True).body.decode()))
    wait_for(lambda: app.open, "the application to be asked")
    time.sleep(1.0)
    assert app.received < 8 * MIB
    assert proxy.memory() - before < ROOM
    app.let(app.may_read)
    upload.join(60)
    assert said == [hashlib.sha256(bytes(count)).hexdigest()]
    assert proxy.memory() - before < ROOM


def test_an_upload_with_a_length_keeps_it(browser: AppBrowser, app: WebApp) -> None:
    body = bytes(range(256)) * 4096 * 8
    assert browser.ask("PUT", "/sink", body).body.decode() == hashlib.sha256(body).hexdigest()


def test_an_answer_before_the_end_of_the_upload_is_told(browser: AppBrowser) -> None:
    with browser.wire() as wire:
        wire.sendall(f"POST /refuse HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n".encode())
        wire.sendall(b"Content-Length: 100000000\r\n\r\n" + bytes(1000))
        assert read_head(wire).startswith(b"HTTP/1.1 413 ")


def test_an_upload_that_breaks_off_ends_at_the_application(browser: AppBrowser, app: WebApp) -> None:
    with browser.wire() as wire:
        wire.sendall(f"PUT /sink HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n".encode())
        wire.sendall(b"Content-Length: 1000\r\n\r\nabc")
        wait_for(lambda: app.received == 3, "the first bytes")
    wait_for(lambda: not app.open, "the application to be told")


def test_a_malformed_chunk_ends_the_request(browser: AppBrowser, app: WebApp) -> None:
    with browser.wire() as wire:
        wire.sendall(f"PUT /sink HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n".encode())
        wire.sendall(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n")
        assert read_head(wire).split(b" ")[1] == b"400"
    wait_for(lambda: not app.open, "the application to be told")


def test_events_come_one_by_one(browser: AppBrowser, app: WebApp) -> None:
    """Each is read before the next is said: nothing on the way waits for more."""
    with browser.asking("GET", "/events", fields={"Accept": "text/event-stream"}) as answer:
        assert answer.getheader("Content-Type") == "text/event-stream"
        for count in range(20):
            app.say(f"event {count}")
            assert answer.readline() == f"data: event {count}\n".encode()
            assert answer.readline() == b"\n"


def test_a_browser_that_leaves_ends_the_stream_at_the_application(browser: AppBrowser, app: WebApp) -> None:
    with browser.asking("GET", "/events") as answer:
        app.say("one")
        answer.readline()
        assert app.open == 1
    wait_for(lambda: not app.open, "the application to be told")


# -- applications that fail --


def answer_to(proxy: Proxy, portal: Portal, port: int, **fields: str) -> tuple[int, str]:
    answer = entered(proxy, portal, port).ask("GET", "/", fields={"Accept": "*/*"} | fields)
    return answer.status, answer.document["detail"]


def test_a_closed_port_names_the_node(proxy: Proxy, portal: Portal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    assert answer_to(proxy, portal, port) == (502, "node: The application's port on its node is closed.")
    page = entered(proxy, portal, port).ask("GET", "/", fields={"Accept": "text/html", "X-Request-Id": "ab12cd34ef"})
    assert (page.status, b"Request ab12cd34ef" in page.body, b"node:" in page.body) == (502, True, True)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"", "application: It closed the connection before it answered."),
        (b"SSH-2.0-OpenSSH\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 2\r\n\r\nhi", NOT_HTTP),
        (SWITCHED + b"Upgrade: x\r\nConnection: Upgrade\r\n\r\n", UNASKED),
    ],
)
def test_what_is_no_answer_names_the_application(proxy: Proxy, portal: Portal, said: bytes, sentence: str) -> None:
    def act(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(said)

    with raw_app(act) as port:
        assert answer_to(proxy, portal, port) == (502, sentence)


def test_an_answer_that_breaks_off_is_not_taken_for_whole(proxy: Proxy, portal: Portal) -> None:
    def act(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    with raw_app(act) as port:
        browser = entered(proxy, portal, port)
        with browser.wire() as wire:
            wire.sendall(f"GET / HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n\r\n".encode())
            stream = wire.makefile("rb")
            got = b""
            with contextlib.suppress(ConnectionResetError):
                got = stream.read()
        assert not got.endswith(b"0\r\n\r\n")


def test_an_old_answer_without_a_length_ends_with_its_connection(proxy: Proxy, portal: Portal) -> None:
    def act(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.0 200 OK\r\n\r\nall there is")

    with raw_app(act) as port:
        answer = entered(proxy, portal, port).ask("GET", "/")
        assert (answer.status, answer.body, answer.all("Content-Type")) == (200, b"all there is", [])


def test_interim_answers_are_not_taken_for_the_answer(proxy: Proxy, portal: Portal) -> None:
    def act(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Name: caf\xe9\r\nTrailer: X-T\r\n\r\nok")

    with raw_app(act) as port:
        answer = entered(proxy, portal, port).ask("GET", "/")
        assert (answer.status, answer.body) == (200, b"ok")
        assert not answer.all("Trailer")


def test_trailers_are_dropped(proxy: Proxy, portal: Portal) -> None:
    def act(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n")

    with raw_app(act) as port:
        browser = entered(proxy, portal, port)
        with browser.wire() as wire:
            head = f"GET / HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\nConnection: close\r\n\r\n"
            wire.sendall(head.encode())
            got = wire.makefile("rb").read()
    assert got.endswith(b"2\r\nok\r\n0\r\n\r\n")


def test_a_kept_connection_that_was_closed_meanwhile_harms_nobody(proxy: Proxy, portal: Portal) -> None:
    def act(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, right away

    with raw_app(act) as port:
        browser = entered(proxy, portal, port)
        for method in ("GET", "POST", "GET", "PUT", "GET"):
            assert browser.ask(method, "/", b"x" if method in {"POST", "PUT"} else None).status == 200


# -- WebSockets --


def test_messages_pass_both_ways(browser: AppBrowser, app: WebApp) -> None:
    with browser.socket() as line:
        line.send("hello")
        assert line.recv(10) == "hello"
        line.send(bytes(range(256)) * 4096)
        assert line.recv(10) == bytes(range(256)) * 4096
        assert line.response is not None
        assert line.response.headers["Set-Cookie"] == "ws=1"
    wait_for(lambda: "closed 1000" in app.heard, "the application to hear the close")


def test_extensions_and_subprotocols_are_the_peers_own(browser: AppBrowser) -> None:
    with browser.socket(subprotocols=["lab.v1", "lab.v2"], compression="deflate") as line:
        assert line.subprotocol == "lab.v2"
        assert line.response is not None
        assert "permessage-deflate" in line.response.headers["Sec-WebSocket-Extensions"]
        line.send("squeeze " * 10_000)
        assert line.recv(10) == "squeeze " * 10_000


def test_what_the_application_says_first_is_not_lost(browser: AppBrowser) -> None:
    for _ in range(10):
        with browser.socket("/ws?first") as line:
            assert line.recv(10) == "hello"


def test_a_flood_in_both_directions_passes_whole_and_is_held_by_nobody(proxy: Proxy, portal: Portal) -> None:
    block, blocks, before = os.urandom(MIB), 128, proxy.memory()

    def act(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(ACCEPTED)
        while piece := sock.recv(1 << 18):
            sock.sendall(piece)

    with raw_app(act) as port:
        browser = entered(proxy, portal, port)
        with browser.wire() as wire:
            wire.sendall(upgrade(browser))
            assert read_head(wire) == ANSWER

            def send() -> None:
                for _ in range(blocks):
                    wire.sendall(block)
                wire.shutdown(socket.SHUT_WR)

            sending, digest, most = in_thread(send), hashlib.sha256(), 0
            time.sleep(0.5)  # the browser does not read yet
            while piece := wire.recv(1 << 20):
                digest.update(piece)
                most = max(most, proxy.memory())
            sending.join(30)
    assert digest.digest() == hashlib.sha256(block * blocks).digest()
    assert most - before < ROOM


@pytest.mark.parametrize("origin", [None, "null", "http://localhost:8080", "http://other.localhost:8080"])
def test_another_origins_page_opens_no_websocket(browser: AppBrowser, app: WebApp, origin: str | None) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused, browser.socket(origin=origin):
        pass
    assert refused.value.response.status_code == 403
    assert not app.open


def test_without_a_right_there_is_no_websocket(browser: AppBrowser) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused, browser.socket(additional_headers={}):
        pass
    assert refused.value.response.status_code == 401


def test_an_applications_refusal_is_told(browser: AppBrowser) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused, browser.socket("/ws?refuse"):
        pass
    assert (refused.value.response.status_code, refused.value.response.headers["X-Own"]) == (409, "why")


def upgrade(browser: AppBrowser, **changes: str) -> bytes:
    fields = {
        "Host": browser.host, "Cookie": browser.cookie, "Origin": browser.origin, "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    } | {name.replace("_", "-"): value for name, value in changes.items()}  # fmt: skip
    return ("GET /ws HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items()) + "\r\n").encode()


@pytest.mark.parametrize("change", [{"Sec_WebSocket_Key": "short"}, {"Sec_WebSocket_Version": "8"}])
def test_a_malformed_handshake_is_refused(browser: AppBrowser, change: dict[str, str]) -> None:
    with browser.wire() as wire:
        wire.sendall(upgrade(browser, **change))
        assert read_head(wire).startswith(b"HTTP/1.1 400 ")


def test_another_upgrade_is_an_ordinary_request(browser: AppBrowser) -> None:
    with browser.wire() as wire:
        wire.sendall(upgrade(browser, Upgrade="h2c", Connection="Upgrade, close").replace(b"GET /ws ", b"GET /any "))
        got = wire.makefile("rb").read()
    assert got.startswith(b"HTTP/1.1 200 ")
    assert b"h2c" not in got


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"nonsense\r\n\r\n",
        SWITCHED + WEBSOCKET + b"Sec-WebSocket-Accept: x\r\n\r\n",
        SWITCHED + ACCEPT + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
    ],
)
def test_an_application_that_does_not_answer_the_handshake(proxy: Proxy, portal: Portal, said: bytes) -> None:
    def act(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(said)

    with raw_app(act) as port:
        browser = entered(proxy, portal, port)
        with browser.wire() as wire:
            wire.sendall(upgrade(browser))
            assert read_head(wire).startswith(b"HTTP/1.1 502 ")


def test_a_side_that_sends_no_more_is_told_and_still_hears(proxy: Proxy, portal: Portal) -> None:
    heard: list[bytes] = []

    def act(sock: socket.socket) -> None:
        read_head(sock)
        sock.sendall(ACCEPTED)
        data = b""
        while piece := sock.recv(65536):
            data += piece
        heard.append(data)
        sock.sendall(b"last words")

    with raw_app(act) as port:
        browser = entered(proxy, portal, port)
        with browser.wire() as wire:
            wire.sendall(upgrade(browser))
            assert read_head(wire).startswith(b"HTTP/1.1 101 ")
            wire.sendall(b"first words")
            wire.shutdown(socket.SHUT_WR)
            assert wire.makefile("rb").read() == b"last words"
    assert heard == [b"first words"]


def test_an_application_that_dies_ends_the_websocket(browser: AppBrowser, app: WebApp) -> None:
    with browser.socket() as line:
        app.die()
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            line.recv(10)
