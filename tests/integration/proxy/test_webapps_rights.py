"""App sessions: how they end, how long they last, and who is told that somebody is on."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest
import websockets.exceptions
from websockets.sync.client import ClientConnection

from asci_shared import passwords
from asci_shared import redis_contract as contract
from tests.integration.proxy.app_browser import INSTANCE, AppBrowser, entered, ticket
from tests.integration.proxy.portal import BEAT, KEY, Portal, Proxy, hash_of, in_thread, wait_for
from tests.integration.proxy.web_app import WebApp, raw_app, read_head
from tests.support.redis_server import RedisServer

Revoke = Callable[[Portal, str, str], object]
"""Takes the portal, the token and the connection."""

KINDS: dict[str, tuple[Revoke, int, int]] = {
    "instance": (lambda p, _t, _c: p.revoke("instance", 4404, instance=INSTANCE), 4404, 410),
    "share": (lambda p, _t, _c: p.revoke("share", 4403, instance=INSTANCE, username="demo"), 4403, 403),
    "connection": (lambda p, _t, c: p.revoke("connection", 4409, instance=INSTANCE, connection=c), 4409, 403),
    "token": (lambda p, t, _c: p.revoke("token", 4401, token=hash_of(t)), 4401, 401),
    "person": (lambda p, _t, _c: p.revoke("person", 4401, username="demo"), 4401, 401),
}


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


def own_proxy(redis_server: RedisServer, **settings: str) -> Proxy:
    proxy = Proxy(redis_server.port, ASCI_PROXY_PERSON_BURST="0", ASCI_PROXY_ADDRESS_BURST="0", **settings)
    proxy.start()
    wait_for(lambda: proxy.lines("subscription.alive"), "the subscription")
    return proxy


@pytest.fixture(scope="module")
def patient(redis_server: RedisServer) -> Iterator[Proxy]:
    """A proxy whose beat is a minute: what ends at once was pushed."""
    proxy = own_proxy(redis_server, ASCI_PROXY_BEAT_SECONDS="60")
    yield proxy
    proxy.stop()


def closed(line: ClientConnection) -> int:
    """The close code that ends it; 1006 without a close frame."""
    try:
        while True:
            line.recv(10)
    except websockets.exceptions.ConnectionClosed as ended:
        return 1006 if ended.rcvd is None else ended.rcvd.code


def broken_off(answer: http.client.HTTPResponse) -> bool:
    """Whether it ends, and not as a whole answer does."""
    try:
        answer.read()
    except (OSError, http.client.HTTPException):
        return True
    return False


def status(browser: AppBrowser) -> int:
    return browser.ask("GET", "/", fields={"Accept": "*/*"}).status


# -- taken away --


@pytest.mark.parametrize("kind", KINDS)
def test_a_push_ends_everything_of_the_session_and_nothing_else(
    patient: Proxy, portal: Portal, app: WebApp, port: int, kind: str
) -> None:
    revoke, code, refused = KINDS[kind]
    token, other = portal.sign_in(), portal.sign_in("other")
    one = ticket(portal, token, port)
    browser = AppBrowser(patient)
    browser.enter(one)
    bystander = entered(patient, portal, port, other, username="other", instance="i-other")
    with (
        bystander.socket() as bystanders_line,
        browser.socket() as line,
        browser.asking("GET", "/events") as events,
    ):
        app.say("before")
        assert events.readline() == b"data: before\n"
        revoke(portal, token, one.connection)
        assert closed(line) == code
        assert broken_off(events)
        answer = browser.ask("GET", "/")
        assert (answer.status, answer.document["detail"]) in {
            (refused, f"{kind} was taken away"),
            (401, "Open this session from the portal."),
        }
        bystanders_line.send("unharmed")
        assert bystanders_line.recv(10) == "unharmed"
    wait_for(lambda: app.open == 1 or not app.open, "the application to be told")
    wait_for(lambda: not portal.operator.exists(contract.lease_key(one.connection)), "the lease to go")


def test_a_request_that_waits_is_refused_with_the_reason(proxy: Proxy, portal: Portal, app: WebApp, port: int) -> None:
    browser = entered(proxy, portal, port)
    with browser.wire() as wire:
        wire.sendall(f"GET /later HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n\r\n".encode())
        wait_for(lambda: app.open, "the application to be asked")
        portal.revoke("instance", 4404, instance=INSTANCE)
        assert wire.recv(65536).startswith(b"HTTP/1.1 410 Gone")
    wait_for(lambda: not app.open, "the application to be told")


def test_an_upload_is_cut(proxy: Proxy, portal: Portal, app: WebApp, port: int) -> None:
    browser = entered(proxy, portal, port)
    with browser.wire() as wire:
        wire.sendall(f"PUT /sink HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n".encode())
        wire.sendall(b"Content-Length: 1000000\r\n\r\nabc")
        wait_for(lambda: app.received == 3, "the first bytes")
        portal.revoke("share", 4403, instance=INSTANCE, username="demo")
        assert wire.recv(65536).startswith(b"HTTP/1.1 403 Forbidden")
    wait_for(lambda: not app.open, "the application to be told")


def test_the_reason_is_told_for_a_while_and_the_cookie_is_taken_back(proxy: Proxy, portal: Portal, port: int) -> None:
    browser = entered(proxy, portal, port)
    portal.revoke("share", 4403, instance=INSTANCE, username="demo")
    wait_for(lambda: status(browser) == 403, "the end to be written")
    answer = browser.ask("GET", "/", fields={"Accept": "text/html"})
    assert b"share was taken away" in answer.body
    assert answer["Set-Cookie"].startswith("asci-app=; ")


def test_a_tombstone_without_a_push_bites_at_the_next_beat(proxy: Proxy, portal: Portal, port: int) -> None:
    browser = entered(proxy, portal, port)
    with browser.socket() as line:
        portal.revoke("instance", 4404, publish=False, instance=INSTANCE)
        assert closed(line) == 4404


def test_a_right_that_was_given_again_is_good(proxy: Proxy, portal: Portal, port: int) -> None:
    portal.revoke("share", 4403, instance=INSTANCE, username="demo")
    browser = entered(proxy, portal, port)
    time.sleep(2.5 * BEAT)
    assert status(browser) == 200


def test_a_sign_in_that_vanished_for_good_ends_the_session(proxy: Proxy, portal: Portal, port: int) -> None:
    token = portal.sign_in()
    browser = entered(proxy, portal, port, token)
    with browser.socket() as line:
        portal.operator.delete(contract.token_key(hash_of(token)))
        assert closed(line) == 4401


def test_a_sign_in_whose_time_is_up_ends_the_session(proxy: Proxy, portal: Portal, port: int) -> None:
    token = portal.sign_in(expires_at=portal.now() + 2)
    browser = entered(proxy, portal, port, token)
    with browser.socket() as line:
        assert closed(line) == 4401
    assert status(browser) == 401


# -- nobody has it at hand --


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_at_rest_is_reached_as_well(
    redis_server: RedisServer, proxy: Proxy, portal: Portal, port: int, kind: str
) -> None:
    """The proxy that let her in is gone; the other one never saw her."""
    revoke, _, refused = KINDS[kind]
    token = portal.sign_in()
    one = ticket(portal, token, port)
    first = own_proxy(redis_server)
    try:
        browser = AppBrowser(first)
        assert browser.enter(one).status == 303
    finally:
        first.stop()
    revoke(portal, token, one.connection)
    if kind in {"token", "person"}:  # the API removes the sign-ins as well
        portal.operator.delete(contract.token_key(hash_of(token)))
    else:
        wait_for(lambda: not portal.operator.exists(f"asci:app:of:{INSTANCE}"), "the record to go")
    portal.operator.delete(contract.REVOCATIONS)  # ten minutes later
    assert status(AppBrowser(proxy, cookie=browser.cookie)) == refused


def test_where_nobody_applied_tombstones_for_long_no_session_counts(proxy: Proxy, portal: Portal, port: int) -> None:
    browser = entered(proxy, portal, port)
    other = AppBrowser(proxy, instance=INSTANCE, cookie=browser.cookie)
    record = f"asci:app:{hash_of(browser.cookie.partition('=')[2])}"
    text = portal.operator.get(record)
    assert isinstance(text, bytes)
    fresh = "z" * 43
    portal.operator.set(f"asci:app:{hash_of(fresh)}", text)
    other.cookie = f"asci-app={fresh}"
    assert status(other) == 200, "a copy of the record counts while the epoch stands"
    later = "y" * 43
    portal.operator.set(f"asci:app:{hash_of(later)}", text)
    portal.operator.set("asci:app:epoch", "another")
    other.cookie = f"asci-app={later}"
    assert status(other) == 401


# -- lasting --


def test_a_session_outlives_its_proxy_and_counts_at_every_other(
    redis_server: RedisServer, proxy: Proxy, portal: Portal, port: int
) -> None:
    first = own_proxy(redis_server)
    try:
        browser = entered(first, portal, port)
        assert status(AppBrowser(proxy, cookie=browser.cookie)) == 200
    finally:
        first.stop()
    assert status(AppBrowser(proxy, cookie=browser.cookie)) == 200


def test_all_workers_of_a_proxy_know_a_session_and_its_end(
    redis_server: RedisServer, portal: Portal, port: int
) -> None:
    both = own_proxy(redis_server, ASCI_PROXY_WORKERS="2", ASCI_PROXY_BEAT_SECONDS="60")
    wait_for(lambda: len(both.lines("subscription.alive")) == 2, "both subscriptions")
    try:
        browser = entered(both, portal, port)
        held = [f'asci_proxy_app_sessions{{worker="{number}"}}' for number in (1, 2)]
        wait_for(lambda: status(browser) == 200 and all(both.metric(one) for one in held), "both to know her")
        with contextlib.ExitStack() as stack:
            lines = [stack.enter_context(browser.socket()) for _ in range(16)]
            portal.revoke("share", 4403, instance=INSTANCE, username="demo")
            assert [closed(line) for line in lines] == [4403] * 16
        assert {status(browser) for _ in range(16)} <= {401, 403}
    finally:
        both.stop()


def test_what_is_at_hand_goes_on_without_redis_and_the_rest_is_asked_to_come_again(portal: Portal, port: int) -> None:
    from tests.integration.proxy.portal import acl  # noqa: PLC0415  (a server of this test's own)

    with RedisServer(tcp=True, acl=acl()) as server:
        own = Portal(server)
        own.restore()
        proxy = own_proxy(server)
        try:
            browser = entered(proxy, own, port)
            stranger = AppBrowser(proxy, cookie="asci-app=" + "x" * 43)
            with browser.socket() as line:
                server.kill()
                line.send("still here")
                assert line.recv(10) == "still here"
                assert status(browser) == 200
                assert status(stranger) == 503
                assert status(AppBrowser(proxy)) == 401
        finally:
            proxy.stop()
            own.redis.close()
            own.operator.close()


def test_use_keeps_the_sign_in_and_the_session_alive(proxy: Proxy, portal: Portal, port: int) -> None:
    token = portal.sign_in()
    browser = entered(proxy, portal, port, token)
    keys = (contract.token_key(hash_of(token)), f"asci:app:{hash_of(browser.cookie.partition('=')[2])}")
    with browser.socket() as line:
        time.sleep(2.5 * BEAT)
        for key in keys:
            portal.operator.expire(key, 60)
        for _ in range(5):
            assert browser.ask("GET", "/news", fields={"Sec-Fetch-Dest": "empty"}).status == 200
            time.sleep(0.5 * BEAT)
        assert all(portal.operator.ttl(key) <= 60 for key in keys), "an open page alone does not, though it polls"
        line.send("typed")
        wait_for(lambda: all(portal.operator.ttl(key) > 1700 for key in keys), "a message to count")
        for key in keys:
            portal.operator.expire(key, 60)
        assert status(browser) == 200
        wait_for(lambda: all(portal.operator.ttl(key) > 1700 for key in keys), "a request to count")


def test_others_go_on_with_the_newer_secret_after_a_guest_was_put_off(proxy: Proxy, portal: Portal, port: int) -> None:
    """At hand and at rest: the application counts on the newer generation from then on."""
    browser, resting = entered(proxy, portal, port), "r" * 43
    text = portal.operator.get(f"asci:app:{hash_of(browser.cookie.partition('=')[2])}")
    assert isinstance(text, bytes)
    portal.operator.set(f"asci:app:{hash_of(resting)}", text)
    portal.operator.sadd(f"asci:app:of:{INSTANCE}", hash_of(resting))
    portal.revoke("share", 4403, instance=INSTANCE, username="guest", generation=5)
    newest = passwords.upstream_secret(KEY, INSTANCE, 5)
    at_rest = f"asci:app:{hash_of(resting)}"
    wait_for(lambda: b'"generation":5' in (portal.operator.get(at_rest) or b""), "the record to follow")
    for cookie in (browser.cookie, f"asci-app={resting}"):
        told = AppBrowser(proxy, cookie=cookie).ask("GET", "/").document
        assert dict(told["fields"])["X-ASCI-Upstream"] == newest


def refusing(accepted: str, heard: list[str]) -> Callable[[socket.socket], None]:
    """An application that knows one secret, and refuses all others as images do."""

    def act(sock: socket.socket) -> None:
        shown = re.search(rb"(?i)x-asci-upstream: ([^\r]+)", read_head(sock))
        heard.append(shown[1].decode() if shown else "")
        if heard[-1] == accepted:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        else:
            sock.sendall(b"HTTP/1.1 403 Forbidden\r\nX-ASCI-Upstream: refused\r\nContent-Length: 0\r\n\r\n")

    return act


def test_a_refused_secret_is_asked_for_and_shown_again(proxy: Proxy, portal: Portal) -> None:
    """The application is a moment ahead of the word that the secret changed."""
    heard: list[str] = []
    wakes = portal.subscribe(contract.CHANNEL_WAKE)
    with raw_app(refusing(passwords.upstream_secret(KEY, INSTANCE, 2), heard)) as app_port:
        browser = entered(proxy, portal, app_port)
        answers: list[int] = []
        asking = in_thread(lambda: answers.append(status(browser)))
        wait_for(lambda: heard, "the first try")
        portal.revoke("share", 4403, instance=INSTANCE, username="guest", generation=2)
        asking.join(10)
    assert answers == [200]
    assert heard[0] == passwords.upstream_secret(KEY, INSTANCE, 1)
    message = wakes.get_message(timeout=5)
    assert message is not None
    assert message["data"] == f"secret:{INSTANCE}".encode()


def test_a_secret_that_stays_refused_names_the_hop(proxy: Proxy, portal: Portal) -> None:
    heard: list[str] = []
    with raw_app(refusing("another", heard)) as app_port:
        browser = entered(proxy, portal, app_port)
        for method, tries in (("GET", 4), ("POST", 1)):
            heard.clear()
            answer = browser.ask(method, "/", b"x" if method == "POST" else None)
            assert (answer.status, answer.document["type"]) == (502, "/problems/application-secret")
            assert len(heard) == tries, "what has an effect is not asked twice"
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused, browser.socket():
            pass
        assert refused.value.response.status_code == 502


# -- who is on --


def test_a_lease_stands_while_the_application_is_used(proxy: Proxy, portal: Portal, port: int) -> None:
    portal.redis.sadd(contract.audience_key(INSTANCE), "demo")
    rings = portal.subscribe(contract.CHANNEL_RING)
    one = ticket(portal, portal.sign_in(), port)
    browser = AppBrowser(proxy)
    browser.enter(one)
    wait_for(lambda: portal.lease(one) is not None, "the lease")
    with browser.socket() as line:
        line.send("typed")
        line.recv(10)
        wait_for(lambda: (portal.lease(one) or LEASE).bytes_in > 0, "the lease to tell of bytes")
        lease = portal.lease(one)
        assert lease is not None
        assert (lease.instance, lease.username, lease.mode, lease.connection) == (
            INSTANCE,
            "demo",
            "control",
            one.connection,
        )
        assert portal.operator.zscore(contract.presence_key(INSTANCE), one.connection) is not None
        assert 0 < int(portal.operator.ttl(contract.lease_key(one.connection))) <= 30, "it ends by itself"
    heard = rings.get_message(timeout=10)
    assert heard is not None
    assert contract.Ring.from_json(heard["data"]) == contract.Ring("instance", INSTANCE, 0, ("demo",))


LEASE = contract.Lease("", "", "", "", "", "", "", 0, 0, 0, 0)


# -- limits, time, the end of the process --


def test_an_application_that_takes_too_long_is_given_up(
    redis_server: RedisServer, portal: Portal, app: WebApp, port: int
) -> None:
    own = own_proxy(redis_server, ASCI_PROXY_APP_HEAD_SECONDS="1")
    try:
        browser = entered(own, portal, port)
        answer = browser.ask("GET", "/later")
        assert (answer.status, answer.document["detail"]) == (504, "application: It did not answer within 1 s.")
        with browser.wire() as wire:
            wire.sendall(f"PUT /sink HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n".encode())
            wire.sendall(b"Content-Length: 10\r\n\r\n")
            for _ in range(6):  # slower than the limit in all, never slower between two bytes
                time.sleep(0.4)
                wire.sendall(b"x")
            assert wire.recv(65536).startswith(b"HTTP/1.1 408 ")
        wait_for(lambda: not app.open, "the application to be told")
    finally:
        own.stop()


def test_one_session_cannot_hold_everything(redis_server: RedisServer, portal: Portal, port: int) -> None:
    own = own_proxy(redis_server, ASCI_PROXY_APP_EXCHANGES="2")
    try:
        browser = entered(own, portal, port)
        with browser.socket(), browser.socket():
            assert status(browser) == 429
        wait_for(lambda: status(browser) == 200, "room again")
    finally:
        own.stop()


def test_tries_are_counted_by_address_and_by_person(redis_server: RedisServer, portal: Portal, port: int) -> None:
    own = Proxy(redis_server.port, ASCI_PROXY_PERSON_BURST="2", ASCI_PROXY_ADDRESS_BURST="6")
    own.start()
    try:
        token = portal.sign_in()
        browser = AppBrowser(own)
        answers = [browser.enter(ticket(portal, token, port)).status for _ in range(4)]
        assert answers == [303, 303, 429, 429]
        stranger = AppBrowser(own, cookie="asci-app=" + "x" * 43)
        assert [status(stranger) for _ in range(8)].count(429) >= 2, "each such cookie would be a question to Redis"
        assert status(browser) == 200, "whoever is in goes on"
    finally:
        own.stop()


def test_at_the_end_of_the_process_requests_get_the_grace_and_sessions_stay(
    redis_server: RedisServer, portal: Portal, app: WebApp, port: int
) -> None:
    own = own_proxy(redis_server, ASCI_PROXY_DRAIN_SECONDS="2")
    try:
        browser = entered(own, portal, port)
        with browser.socket() as line, browser.wire() as wire:
            wire.sendall(f"GET /later HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n\r\n".encode())
            wait_for(lambda: app.open == 2, "the application to be asked")
            own.process.send_signal(signal.SIGTERM)
            wait_for(lambda: own.status("/health/ready") == 503, "readiness to say so")
            app.let(app.may_answer)
            assert wire.recv(65536).startswith(b"HTTP/1.1 200 OK")
            line.send("still flowing")
            assert line.recv(10) == "still flowing"
            assert closed(line) == 1012
        assert own.process.wait(10) == 0
    finally:
        own.stop()
    assert portal.operator.exists(f"asci:app:{hash_of(browser.cookie.partition('=')[2])}")


def test_who_still_waits_at_the_end_of_the_grace_is_asked_to_come_again_and_keeps_the_cookie(
    redis_server: RedisServer, portal: Portal, app: WebApp, port: int
) -> None:
    own = own_proxy(redis_server, ASCI_PROXY_DRAIN_SECONDS="0.2")
    try:
        browser = entered(own, portal, port)
        with browser.wire() as wire:
            wire.sendall(f"GET /later HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n\r\n".encode())
            wait_for(lambda: app.open == 1, "the application to be asked")
            own.process.send_signal(signal.SIGTERM)
            head = read_head(wire)
        assert own.process.wait(10) == 0
    finally:
        own.stop()
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 3\r\n" in head
    assert b"\r\nSet-Cookie:" not in head


def test_metrics_and_log_lines_tell_of_applications(redis_server: RedisServer, portal: Portal, port: int) -> None:
    own = own_proxy(redis_server)
    try:
        token = portal.sign_in()
        one = ticket(portal, token, port)
        browser = AppBrowser(own)
        browser.enter(one)
        assert status(browser) == 200
        with browser.socket() as line:
            line.send("12345")
            line.recv(10)
            wait_for(lambda: own.metric("asci_proxy_app_sessions") == 1, "the session to be counted")
            wait_for(lambda: own.metric("asci_proxy_app_exchanges") == 1, "the WebSocket to be counted")
        assert own.metric('asci_proxy_app_requests_total{status="2xx"}') == 1
        assert own.metric("asci_proxy_app_head_seconds_count") == 1
        wait_for(lambda: own.metric('asci_proxy_app_bytes_total{direction="up"}') > 0, "the bytes to be counted")
        portal.revoke("instance", 4404, instance=INSTANCE)
        wait_for(lambda: own.lines("app.ended"), "the end")
        (ended,) = own.lines("app.ended")
        assert (ended["asci"]["person"], ended["asci"]["instance"], ended["asci"]["code"]) == ("demo", INSTANCE, 4404)
        assert len(own.lines("app.entered")) == len(own.lines("app.socket_ended")) == 1
        for secret in (
            token, browser.cookie.partition("=")[2], passwords.one_time_password(KEY, one.connection),
            passwords.upstream_secret(KEY, INSTANCE, 1),
        ):  # fmt: skip
            assert secret not in own.log()
    finally:
        own.stop()
