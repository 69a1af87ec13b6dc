"""Opening a connection: every right way and every wrong one, seen from the browser."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from asci_shared import passwords
from asci_shared import redis_contract as contract
from tests.integration.proxy.browser import Browser, Closed, HttpRefused, des
from tests.integration.proxy.desktop import SERVER_INIT, Desktop, echo, hold
from tests.integration.proxy.portal import KEY, Portal, Proxy, free_port, hash_of, secret_of, wait_for


def test_bytes_flow_both_ways_after_both_authentications(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    desktop = Desktop(secret_of(), echo)
    with desktop.listening() as port, proxy.enter(portal.ticket(token, port), token) as browser:
        assert "sec-websocket-protocol: binary" in browser.head.lower()
        assert browser.read(len(SERVER_INIT)) == SERVER_INIT
        browser.send(b"hello")
        assert browser.read(5) == b"hello"
        assert desktop.client_inits == [b"\x01"], "the shared flag is always set"


def test_view_tickets_enter_with_the_view_secret_of_their_generation(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    desktop = Desktop(secret_of(mode="view", generation=7), hold)
    with desktop.listening() as port:
        ticket = portal.ticket(token, port, mode="view", generation=7)
        with proxy.enter(ticket, token) as browser:
            assert browser.read(len(SERVER_INIT)) == SERVER_INIT


def test_a_subprotocol_is_not_invented(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    desktop = Desktop(secret_of(), hold)
    with desktop.listening() as port:
        other = {"Sec-WebSocket-Protocol": "chat"}
        with proxy.browser(portal.ticket(token, port), token, headers=other).connect() as browser:
            assert "sec-websocket-protocol" not in browser.head.lower()


def test_everything_sent_at_once_is_taken(proxy: Proxy, portal: Portal) -> None:
    """A client that does not wait: version, choice and the first bytes may share frames and segments."""
    token = portal.sign_in()
    desktop = Desktop(secret_of(), echo)
    with desktop.listening() as port:
        ticket = portal.ticket(token, port)
        with proxy.browser(ticket, token).connect() as browser:
            browser.send(b"RFB 003.008\n\x02")
            assert browser.read(14) == b"RFB 003.008\n\x01\x02"
            answer = des(browser.read(16), passwords.one_time_password(KEY, ticket.connection))
            browser.send(answer + b"\x01" + b"early bytes")
            assert browser.read(4 + len(SERVER_INIT)) == bytes(4) + SERVER_INIT
            assert browser.read(11) == b"early bytes"


# -- refused before anything flows --


def close_of(proxy: Proxy, ticket: contract.Ticket | str, token: str | None, **changes: Any) -> Closed:
    with proxy.browser(ticket, token, **changes).connect() as browser:
        return browser.closing()


def test_a_used_ticket_is_refused_even_while_the_first_lives(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port:
        ticket = portal.ticket(token, port)
        with proxy.enter(ticket, token) as first:
            assert close_of(proxy, ticket, token).code == 4400
            first.read(len(SERVER_INIT))
            first.send(b"still here")
            assert first.read(10) == b"still here"


def test_of_many_at_once_one_gets_the_ticket(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), hold).listening() as port:
        ticket = portal.ticket(token, port)
        browsers = [proxy.browser(ticket, token).connect() for _ in range(8)]
        outcomes = []
        for browser in browsers:
            with browser:
                try:
                    browser.authenticate(passwords.one_time_password(KEY, ticket.connection))
                    outcomes.append(0)
                except Closed as closed:
                    outcomes.append(closed.code)
        assert sorted(outcomes) == [0] + [4400] * 7


def test_an_expired_ticket_is_refused(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    ticket = portal.ticket(token, 1)
    portal.redis.pexpire(contract.ticket_key(ticket.connection), 1)
    wait_for(lambda: not portal.redis.exists(contract.ticket_key(ticket.connection)), "the ticket to run out")
    assert close_of(proxy, ticket, token).code == 4400


def test_without_a_cookie_the_ticket_is_not_even_touched(proxy: Proxy, portal: Portal) -> None:
    ticket = portal.ticket(portal.sign_in(), 1)
    assert close_of(proxy, ticket, None).code == 4401
    assert portal.redis.exists(contract.ticket_key(ticket.connection))


def test_another_persons_cookie_is_refused_and_burns_the_ticket(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    ticket = portal.ticket(token, 1)
    assert close_of(proxy, ticket, portal.sign_in("mallory")).code == 4401
    assert close_of(proxy, ticket, token).code == 4400


def test_a_cookie_that_means_nothing_is_signed_out(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    assert close_of(proxy, portal.ticket(token, 1), "made-up").code == 4401


def test_a_token_past_its_end_is_signed_out(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in(expires_at=portal.now() - 1)
    assert close_of(proxy, portal.ticket(token, 1), token).code == 4401


def test_while_the_sentinel_is_missing_nobody_is_called_signed_out(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    ticket = portal.ticket(token, 1)
    portal.operator.delete(contract.SENTINEL, contract.token_key(hash_of(token)))
    assert close_of(proxy, ticket, token).code == 1013


@pytest.mark.parametrize("origin", [None, "http://evil.example", "https://localhost:8080", "http://localhost", "null"])
def test_foreign_origins_get_a_problem_and_the_ticket_lives(proxy: Proxy, portal: Portal, origin: str | None) -> None:
    token = portal.sign_in()
    ticket = portal.ticket(token, 1)
    with proxy.browser(ticket, token, origin=origin) as browser, pytest.raises(HttpRefused) as refused:
        browser.connect()
    assert refused.value.status == 403
    assert "application/problem+json" in refused.value.head
    assert json.loads(refused.value.body)["type"] == "/problems/foreign-origin"
    assert portal.redis.exists(contract.ticket_key(ticket.connection))


@pytest.mark.parametrize(
    "changes",
    [
        {"Sec-WebSocket-Version": "8"},
        {"Sec-WebSocket-Key": "c2hvcnQ="},
        {"Sec-WebSocket-Key": "not base64 at all"},
        {"Upgrade": "h2c"},
    ],
)
def test_what_is_no_websocket_gets_400(proxy: Proxy, portal: Portal, changes: dict[str, str]) -> None:
    with proxy.browser("abc", "token", headers=changes) as browser, pytest.raises(HttpRefused) as refused:
        browser.connect()
    assert refused.value.status == 400


def test_strange_paths_are_not_found(proxy: Proxy) -> None:
    for path in (
        "/",
        "/connect/",
        "/connect/a/b",
        "/connect/%2e%2e",
        "/connect/" + "x" * 65,
        "/health/live",
        "/metrics",
    ):
        browser = Browser(proxy.port, path, cookie="asci=x", origin="http://localhost:8080")
        with browser, pytest.raises(HttpRefused) as refused:
            browser.connect()
        assert refused.value.status == 404, path


def test_a_wrong_password_gets_one_attempt(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), hold).listening() as port:
        ticket = portal.ticket(token, port)
        with proxy.browser(ticket, token).connect() as browser:
            with pytest.raises(PermissionError, match="one-time password"):
                browser.authenticate("wrongpwd")
            assert browser.closing().code == 4400
        assert close_of(proxy, ticket, token).code == 4400


@pytest.mark.parametrize(
    "words",
    [b"RFB 003.003\n", b"GET / HTTP/1", b"RFB 003.008\n\x01", b"RFB 003.008\n\x00", bytes(12), b"\xff" * 64],
)
def test_malformed_rfb_is_refused(proxy: Proxy, portal: Portal, words: bytes) -> None:
    token = portal.sign_in()
    with (
        Desktop(secret_of(), hold).listening() as port,
        proxy.browser(portal.ticket(token, port), token).connect() as browser,
    ):
        browser.send(words)
        assert browser.closing().code == 4400


def test_a_viewer_that_says_nothing_is_put_out_at_the_deadline(redis_server: Any, portal: Portal) -> None:
    proxy = Proxy(redis_server.port, ASCI_PROXY_HANDSHAKE_SECONDS="0.5")
    proxy.start()
    try:
        token = portal.sign_in()
        with Desktop(secret_of(), hold).listening() as port:
            assert close_of(proxy, portal.ticket(token, port), token).code == 4408
    finally:
        proxy.stop()


# -- the desktop's side --


def test_a_closed_port_names_the_node(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    ticket = portal.ticket(token, free_port())
    with proxy.browser(ticket, token).connect() as browser, pytest.raises(Closed) as closed:
        browser.authenticate(passwords.one_time_password(KEY, ticket.connection))
    assert (closed.value.code, closed.value.reason.split(":")[0]) == (4502, "node")


@pytest.mark.parametrize("banner", [b"RFB 003.003\n", b"SSH-2.0-Open", b"", b"RFB"])
def test_a_port_that_speaks_no_rfb_names_vnc(redis_server: Any, portal: Portal, banner: bytes) -> None:
    proxy = Proxy(redis_server.port, ASCI_PROXY_DIAL_SECONDS="0.5")
    proxy.start()
    try:
        token = portal.sign_in()
        with Desktop(secret_of(), hold, banner=banner).listening() as port:
            ticket = portal.ticket(token, port)
            with proxy.browser(ticket, token).connect() as browser, pytest.raises(Closed) as closed:
                browser.authenticate(passwords.one_time_password(KEY, ticket.connection))
        assert (closed.value.code, closed.value.reason.split(":")[0]) == (4502, "vnc")
    finally:
        proxy.stop()


def test_a_refused_secret_is_told_and_asked_for_again(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    wakes = portal.subscribe(contract.CHANNEL_WAKE)
    with Desktop(secret_of(generation=2), hold).listening() as port:
        ticket = portal.ticket(token, port, generation=1)
        with proxy.browser(ticket, token).connect() as browser, pytest.raises(Closed) as closed:
            browser.authenticate(passwords.one_time_password(KEY, ticket.connection))
    assert (closed.value.code, closed.value.reason.split(":")[0]) == (4502, "secret")
    message = wakes.get_message(timeout=5)
    wakes.close()
    assert message is not None
    assert message["data"] == b"secret:i-test"


def test_a_desktop_whose_password_is_a_moment_behind_is_entered_all_the_same(proxy: Proxy, portal: Portal) -> None:
    """What the controller does once it hears that a secret was refused."""
    token = portal.sign_in()
    wakes = portal.subscribe(contract.CHANNEL_WAKE)
    desktop = Desktop(secret_of(generation=1), echo)

    def controller() -> None:
        assert wakes.get_message(timeout=10) is not None
        desktop.secret = secret_of(generation=2)

    writes = threading.Thread(target=controller)
    writes.start()
    with desktop.listening() as port, proxy.enter(portal.ticket(token, port, generation=2), token) as browser:
        assert browser.read(len(SERVER_INIT)) == SERVER_INIT
        browser.send(b"here at last")
        assert browser.read(12) == b"here at last"
    writes.join()
    wakes.close()


# -- limits --


def test_upgrades_of_one_address_are_limited_and_the_edges_word_is_believed(redis_server: Any, portal: Portal) -> None:
    proxy = Proxy(redis_server.port, ASCI_PROXY_ADDRESS_BURST="3", ASCI_PROXY_ADDRESS_RATE="0")
    proxy.start()
    try:
        codes = [close_of(proxy, "none", None).code for _ in range(5)]
        assert codes == [4401, 4401, 4401, 4429, 4429]
        elsewhere = {"X-Forwarded-For": "203.0.113.9"}
        assert close_of(proxy, "none", None, headers=elsewhere).code == 4401
    finally:
        proxy.stop()


def test_connections_of_one_person_are_limited_until_one_ends(redis_server: Any, portal: Portal) -> None:
    proxy = Proxy(redis_server.port, ASCI_PROXY_PERSON_CONNECTIONS="1")
    proxy.start()
    try:
        token, other = portal.sign_in(), portal.sign_in("other")
        with Desktop(secret_of(), hold).listening() as port:
            first = proxy.enter(portal.ticket(token, port), token)
            assert close_of(proxy, portal.ticket(token, port), token).code == 4429
            proxy.enter(portal.ticket(other, port, username="other"), other).close()
            first.close()
            wait_for(lambda: len(proxy.lines("connection.ended")) == 2, "both to be noticed")
            proxy.enter(portal.ticket(token, port), token).close()
    finally:
        proxy.stop()


def test_how_often_one_person_connects_is_limited_and_others_are_not(redis_server: Any, portal: Portal) -> None:
    proxy = Proxy(redis_server.port, ASCI_PROXY_PERSON_BURST="2", ASCI_PROXY_PERSON_RATE="0")
    proxy.start()
    try:
        token, other = portal.sign_in(), portal.sign_in("other")
        with Desktop(secret_of(), hold).listening() as port:
            for _ in range(2):
                proxy.enter(portal.ticket(token, port), token).close()
            closed = close_of(proxy, portal.ticket(token, port), token)
            assert (closed.code, closed.reason.split(";")[0]) == (4429, "You have too many connections")
            proxy.enter(portal.ticket(other, port, username="other"), other).close()
        assert proxy.metric('asci_proxy_refusals_total{reason="person-rate"}') == 1
    finally:
        proxy.stop()


def test_garbage_on_the_public_door_harms_nobody(proxy: Proxy, portal: Portal) -> None:
    for garbage in (
        b"\x00" * 100,
        b"GET /connect/x HTTP/1.1\r\n" + b"A: b\r\n" * 3000,
        b"\x16\x03\x01\x02\x00",
        b"\r\n" * 50,
    ):
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as sock:
            sock.sendall(garbage)
    token = portal.sign_in()
    with Desktop(secret_of(), hold).listening() as port:
        proxy.enter(portal.ticket(token, port), token).close()


def test_no_secret_is_logged(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), hold).listening() as port:
        ticket = portal.ticket(token, port)
        password = passwords.one_time_password(KEY, ticket.connection)
        proxy.enter(ticket, token).close()
        wait_for(
            lambda: any(line["asci"]["connection"] == ticket.connection for line in proxy.lines("connection.ended")),
            "the end",
        )
    log = proxy.log()
    line = next(line for line in proxy.lines("connection.ended") if line["asci"]["connection"] == ticket.connection)
    assert line["http.request.id"] == ticket.request_id
    assert line["asci"]["person"] == "demo"
    for secret in (token, password, secret_of(), hash_of(token), KEY.decode()):
        assert secret not in log


def test_many_connections_leave_no_socket_behind(proxy: Proxy, portal: Portal) -> None:
    def sockets() -> int:
        return len(list(Path(f"/proc/{proxy.process.pid}/fd").iterdir()))

    token = portal.sign_in()
    with Desktop(secret_of(), hold).listening() as port:

        def one(kind: int) -> None:
            ticket = portal.ticket(token, port)
            if kind == 0:
                proxy.enter(ticket, token).close()
            elif kind == 1:
                close_of(proxy, ticket, None)
            else:
                proxy.browser(ticket, token).connect().close()

        def many() -> None:
            threads = [threading.Thread(target=one, args=(index % 3,)) for index in range(30)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wait_for(lambda: proxy.metric("asci_proxy_connections") == 0, "nothing to be live")

        many()
        time.sleep(2.5)  # longer than a socket is lingered on
        before = sockets()
        many()
        wait_for(lambda: sockets() <= before, "every socket to be closed")
