"""Web applications through the proxy: entering, asking, and everything that is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest

from asci_shared import passwords
from asci_shared import redis_contract as contract
from tests.integration.proxy.app_browser import INSTANCE, AppBrowser, entered, ticket
from tests.integration.proxy.portal import KEY, ORIGIN, Portal, Proxy, hash_of, wait_for
from tests.integration.proxy.web_app import WebApp
from tests.support.redis_server import RedisServer

PAGE = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


@pytest.fixture(scope="module")
def app_port() -> Iterator[int]:
    with WebApp().listening() as port:
        yield port


@pytest.fixture
def proxy(apps_proxy: Proxy) -> Proxy:
    return apps_proxy


@pytest.fixture
def browser(proxy: Proxy, portal: Portal, app_port: int) -> AppBrowser:
    return entered(proxy, portal, app_port)


# -- entering --


def test_a_one_time_password_becomes_a_cookie_and_no_address_carries_a_right(
    proxy: Proxy, portal: Portal, app_port: int
) -> None:
    browser = AppBrowser(proxy)
    answer = browser.enter(ticket(portal, portal.sign_in(), app_port))
    assert (answer.status, answer["Location"], answer["Cache-Control"]) == (303, "/", "no-store")
    assert re.fullmatch(r"asci-app=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", answer["Set-Cookie"])
    assert browser.ask("GET", "/").status == 200


def test_the_cookies_value_stands_nowhere_in_redis(portal: Portal, browser: AppBrowser) -> None:
    value, operator = browser.cookie.partition("=")[2], cast("Any", portal.operator)
    for key in operator.keys("asci:app:*"):
        assert value not in key.decode()
        if operator.type(key) == b"string":
            assert value not in operator.get(key).decode()
    assert portal.operator.exists(f"asci:app:{hash_of(value)}")


@pytest.mark.parametrize(
    ("wanted", "given"),
    [("/lab/tree/a.ipynb?x=1", "/lab/tree/a.ipynb?x=1"), ("//evil.example", "/"), ("https://evil.example/", "/")],
)
def test_it_leads_to_a_path_of_the_application_alone(
    proxy: Proxy, portal: Portal, app_port: int, wanted: str, given: str
) -> None:
    answer = AppBrowser(proxy).enter(ticket(portal, portal.sign_in(), app_port), form={"next": wanted})
    assert answer["Location"] == given


def test_a_ticket_counts_once(proxy: Proxy, portal: Portal, app_port: int) -> None:
    one = ticket(portal, portal.sign_in(), app_port)
    assert AppBrowser(proxy).enter(one).status == 303
    second = AppBrowser(proxy).enter(one)
    assert (second.status, second.document["type"]) == (410, "/problems/ticket-unknown")


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", f"http://{INSTANCE}.localhost:8080"])
def test_only_the_portals_page_lets_in(proxy: Proxy, portal: Portal, app_port: int, origin: str | None) -> None:
    one = ticket(portal, portal.sign_in(), app_port)
    refused = AppBrowser(proxy).enter(one, fields={"Origin": origin})
    assert (refused.status, refused.document["type"]) == (403, "/problems/foreign-origin")
    assert AppBrowser(proxy).enter(one).status == 303, "the ticket was not touched"


def test_a_wrong_password_is_refused_before_the_ticket_is_touched(proxy: Proxy, portal: Portal, app_port: int) -> None:
    one = ticket(portal, portal.sign_in(), app_port)
    assert AppBrowser(proxy).enter(one, form={"password": "wrong"}).status == 401
    assert AppBrowser(proxy).enter(one, form={"password": "ä"}).status == 401
    assert AppBrowser(proxy).enter(one).status == 303


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"kind": "desktop"}, "ticket-kind"),
        ({"kind": "service"}, "ticket-kind"),
        ({"instance": "other"}, "ticket-unknown"),
    ],
)
def test_a_ticket_for_something_else_is_refused(
    proxy: Proxy, portal: Portal, app_port: int, change: dict[str, str], slug: str
) -> None:
    answer = AppBrowser(proxy).enter(ticket(portal, portal.sign_in(), app_port, **change))
    assert (answer.status, answer.document["type"]) == (410, f"/problems/{slug}")


def test_a_sign_in_that_ended_meanwhile_lets_nobody_in(proxy: Proxy, portal: Portal, app_port: int) -> None:
    token = portal.sign_in()
    one = ticket(portal, token, app_port)
    portal.operator.delete(contract.token_key(hash_of(token)))
    assert AppBrowser(proxy).enter(one).status == 401


def test_a_right_taken_between_ticket_and_form_lets_nobody_in(proxy: Proxy, portal: Portal, app_port: int) -> None:
    one = ticket(portal, portal.sign_in(), app_port)
    portal.revoke("share", 4403, publish=False, instance=INSTANCE, username="demo")
    refused = AppBrowser(proxy).enter(one)
    assert (refused.status, refused.document["detail"]) == (403, "share was taken away")
    assert not portal.operator.keys("asci:app:of:*")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"connection=x", "application/x-www-form-urlencoded"),
        (b"connection=\xff&password=x", "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 5000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % one for one in range(20)), "application/x-www-form-urlencoded"),
        (b'{"connection": "x", "password": "y"}', "application/json"),
    ],
)
def test_what_is_no_such_form_is_refused(proxy: Proxy, portal: Portal, body: bytes, kind: str) -> None:
    answer = AppBrowser(proxy).ask("POST", "/.asci/enter", body, {"Origin": ORIGIN, "Content-Type": kind})
    assert answer.status == 400


def test_the_entrance_takes_forms_only_and_nothing_below_it_reaches_the_application(browser: AppBrowser) -> None:
    assert browser.ask("GET", "/.asci/enter").status == 405
    assert browser.ask("GET", "/.asci/anything").status == 404
    assert browser.ask("GET", "/.ascii").status == 200


def test_while_redis_is_being_restored_nobody_gets_in_and_nobody_is_told_that_it_is_over(
    proxy: Proxy, portal: Portal, app_port: int
) -> None:
    one = ticket(portal, portal.sign_in(), app_port)
    portal.operator.delete(contract.SENTINEL)
    answer = AppBrowser(proxy).enter(one)
    assert (answer.status, answer["Retry-After"]) == (503, "3")


def test_behind_tls_the_cookie_is_as_strict_as_can_be(redis_server: RedisServer, portal: Portal, app_port: int) -> None:
    site = "https://asci.example.org"
    proxy = Proxy(redis_server.port, ASCI_PUBLIC_URL=site, ASCI_APPS_DOMAIN="apps.example.org")
    proxy.start()
    try:
        browser = AppBrowser(proxy, domain="apps.example.org", portal=site)
        answer = browser.enter(ticket(portal, portal.sign_in(), app_port))
        assert re.fullmatch(r"__Host-asci-app=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure", answer["Set-Cookie"])
        told = browser.ask("GET", "/").document
        assert dict(told["fields"])["X-Forwarded-Proto"] == "https"
        with browser.wire() as wire:
            wire.sendall(f"GET / HTTP/1.1\r\nHost: {browser.host}\r\nAccept: text/html\r\n\r\n".encode())
            assert f'href="{site}/s/{INSTANCE}"'.encode() in wire.recv(65536)
    finally:
        proxy.stop()


# -- without a right --


def test_without_a_cookie_a_person_gets_a_page_that_leads_back(proxy: Proxy, portal: Portal) -> None:
    answer = AppBrowser(proxy).ask("GET", "/lab", fields=PAGE | {"X-Request-Id": "0123456789abcdef"})
    assert answer.status == 401
    assert answer["Content-Type"].startswith("text/html")
    assert f'href="{ORIGIN}/s/{INSTANCE}"' in answer.body.decode()
    assert "Request 0123456789abcdef" in answer.body.decode()
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer["WWW-Authenticate"].startswith("ASCI ")


def test_without_a_cookie_a_program_gets_problem_details(proxy: Proxy, portal: Portal) -> None:
    answer = AppBrowser(proxy).ask("GET", "/api", fields={"Accept": "*/*"})
    assert (answer.status, answer["Content-Type"].partition(";")[0]) == (401, "application/problem+json")
    assert answer.document["type"] == "/problems/app-no-right"


@pytest.mark.parametrize("cookie", ["asci-app=" + "x" * 43, "asci-app=", "asci-app=a b", "asci-app"])
def test_a_cookie_that_gives_no_right_is_refused(proxy: Proxy, portal: Portal, cookie: str) -> None:
    assert AppBrowser(proxy, cookie=cookie).ask("GET", "/").status == 401


def test_a_session_counts_on_its_own_host_alone(proxy: Proxy, portal: Portal, browser: AppBrowser) -> None:
    stranger = AppBrowser(proxy, instance="other", cookie=browser.cookie)
    refused = stranger.ask("GET", "/")
    assert refused.status == 401
    assert refused["Set-Cookie"].startswith("asci-app=; Path=/; Max-Age=0"), "what gives no right is taken back"
    assert browser.ask("GET", "/").status == 200


def test_a_second_cookie_of_the_name_does_not_shut_out(browser: AppBrowser) -> None:
    """Script of a page can set one with a longer path."""
    browser.cookie = f"asci-app={'y' * 43}; {browser.cookie}"
    assert browser.ask("GET", "/").status == 200


# -- hosts --


def test_the_portals_paths_do_not_answer_on_an_applications_host(
    proxy: Proxy, portal: Portal, browser: AppBrowser
) -> None:
    assert browser.ask("GET", "/connect/events").document["target"] == "/connect/events"
    assert AppBrowser(proxy).ask("GET", "/connect/abc").status == 401


@pytest.mark.parametrize("host", ["localhost:8080", "localhost", "127.0.0.1", "proxy:8010", "localhost.:8080"])
def test_applications_do_not_answer_on_the_portals_host(browser: AppBrowser, host: str) -> None:
    assert browser.ask("GET", "/", fields={"Host": host}).status == 404
    assert browser.ask("POST", "/.asci/enter", b"", {"Host": host, "Origin": ORIGIN}).status == 404


@pytest.mark.parametrize(
    "host",
    ["a.b.localhost:8080", f"{INSTANCE}.localhost:9", f"{INSTANCE}.localhost", "-a.localhost:8080", ".localhost:8080"],
)
def test_other_names_below_the_apps_domain_are_nobodys(browser: AppBrowser, host: str) -> None:
    assert browser.ask("GET", "/connect/events", fields={"Host": host}).status == 421


# -- asking --


def test_the_application_sees_the_request_and_who_it_comes_through(
    proxy: Proxy, portal: Portal, browser: AppBrowser
) -> None:
    fields = {
        "Cookie": f"mine=1; {browser.cookie}; asci=portal; other=a=b",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "Forwarded": "for=evil",
        "X-ASCI-Upstream": "forged",
        "X_ASCI_Upstream": "forged",
        "X-ASCI-Anything": "forged",
        "Connection": "X-Hop",
        "X-Hop": "hop",
        "TE": "trailers",
        "Proxy-Authorization": "Basic x",
        "X-Request-Id": "0123456789abcdef",
        "Authorization": "token mine",
        "Accept-Encoding": "br",
    }
    told = browser.ask("GET", "/a%2Fb/../c?q=%20&r", fields=fields).document
    seen = {name.lower(): value for name, value in told["fields"]}
    assert told["target"] == "/a%2Fb/../c?q=%20&r", "not a byte of the target changes"
    assert seen["host"] == browser.host
    assert seen["cookie"] == "mine=1; other=a=b"
    assert seen["x-forwarded-for"] == "203.0.113.9"
    assert (seen["x-forwarded-host"], seen["x-forwarded-proto"]) == (browser.host, "http")
    assert seen["x-request-id"] == "0123456789abcdef"
    assert (seen["authorization"], seen["accept-encoding"]) == ("token mine", "br")
    assert seen["x-asci-upstream"] == passwords.upstream_secret(KEY, INSTANCE, 1)
    assert "forged" not in json.dumps(told)
    assert not {"x-hop", "te", "proxy-authorization", "forwarded", "user-agent"} & set(seen)


def test_the_browser_sees_the_answer_without_what_is_not_the_applications_to_say(browser: AppBrowser) -> None:
    answer = browser.ask("GET", "/fields")
    assert answer.body == b"fields"
    assert (answer["X-Own"], answer["X-Frame-Options"], answer["Server"]) == ("kept", "SAMEORIGIN", "Own/1")
    assert answer["Content-Security-Policy"] == "default-src 'self'"
    assert answer["Referrer-Policy"] == "same-origin"
    for name in ("X-Named", "Keep-Alive", "Clear-Site-Data", "Alt-Svc", "X-ASCI-Upstream"):
        assert not answer.all(name), name


def test_the_applications_cookies_stay_on_its_own_host(browser: AppBrowser) -> None:
    assert browser.ask("GET", "/cookies").all("Set-Cookie") == ["plain=1; Path=/", "wide=2; Path=/; HttpOnly"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_every_method_passes_with_its_body(browser: AppBrowser, method: str) -> None:
    told = browser.ask(method, "/any", b"some words", {"Content-Encoding": "gzip"}).document
    assert (told["method"], told["bytes"]) == (method, 10)


def test_a_body_without_a_length_passes(browser: AppBrowser) -> None:
    told = browser.ask(
        "POST",
        "/any",
        iter([b"in ", b"three ", b"pieces"]),
        encode_chunked=True,
        fields={"Transfer-Encoding": "chunked"},
    ).document
    assert told["bytes"] == 15
    assert "Content-Length" not in dict(told["fields"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_method_without_a_body_passes(browser: AppBrowser, method: str) -> None:
    assert browser.ask(method, "/any").document["bytes"] == 0


@pytest.mark.parametrize("status", [200, 201, 204, 301, 303, 304, 401, 404, 418, 500, 503])
def test_every_status_passes_with_its_fields(browser: AppBrowser, status: int) -> None:
    answer = browser.ask("GET", f"/status/{status}")
    assert (answer.status, answer["Location"], answer["ETag"], answer.body) == (status, "/elsewhere", '"x"', b"")


def test_head_has_the_length_and_no_body(browser: AppBrowser) -> None:
    answer = browser.ask("HEAD", "/bytes/1000?length")
    assert (answer.status, answer["Content-Length"], answer.body) == (200, "1000", b"")


def test_a_range_passes(browser: AppBrowser) -> None:
    answer = browser.ask("GET", "/range", fields={"Range": "bytes=2-5"})
    assert (answer.status, answer["Content-Range"], answer.body) == (206, "bytes 2-5/10", b"2345")


# -- other sites' pages --


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("POST", {"Origin": "http://other.localhost:8080"}),
        ("POST", {"Origin": "null"}),
        ("POST", {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}),
        ("GET", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}),
        ("OPTIONS", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Origin": "http://x.localhost:8080"}),
    ],
)
def test_another_sites_page_cannot_use_her_right(browser: AppBrowser, method: str, fields: dict[str, str]) -> None:
    refused = browser.ask(method, "/any", fields=fields)
    assert (refused.status, b"Another site" in refused.body) == (403, True)


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("GET", {"Sec-Fetch-Site": "cross-site", **PAGE}),
        ("GET", {"Sec-Fetch-Site": "none", **PAGE}),
        ("POST", {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{INSTANCE}.localhost:8080"}),
        ("POST", {"Sec-Fetch-Site": "same-origin", "Origin": "null"}),
        ("POST", {"Origin": f"http://{INSTANCE}.localhost:8080"}),
    ],
)
def test_links_and_the_applications_own_pages_can(browser: AppBrowser, method: str, fields: dict[str, str]) -> None:
    assert browser.ask(method, "/any", fields=fields).status == 200


# -- malformed --


@pytest.mark.parametrize(
    "head",
    [
        b"GET http://evil.example/ HTTP/1.1\r\nHost: {host}\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: {host}\r\n",
        b"GET /a#b HTTP/1.1\r\nHost: {host}\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\nHost: {host}\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nContent-Length: x\r\n",
        b"GET / HTTP/1.1\r\nHost: {host}\r\nX: " + b"a" * 40_000 + b"\r\n",
        b"nonsense\r\n",
    ],
)
def test_malformed_requests_reach_no_application(browser: AppBrowser, head: bytes) -> None:
    head = head.replace(b"{host}", browser.host.encode())
    with browser.wire() as wire:
        wire.sendall(head + f"Cookie: {browser.cookie}\r\nConnection: close\r\n\r\n".encode())
        answer = wire.makefile("rb").read()
    assert answer.split(b" ", 2)[1] in {b"400", b"421"}, answer[:200]
    assert browser.cookie.partition("=")[2] not in browser.proxy.log()


def test_a_head_that_is_too_long_is_not_quoted_in_the_log(browser: AppBrowser) -> None:
    with browser.wire() as wire:
        head = f"GET / HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}; x={'a' * 40_000}\r\n\r\n"
        wire.sendall(head.encode())
        assert wire.makefile("rb").readline().split(b" ")[1] == b"400"
    wait_for(lambda: browser.proxy.lines("request.malformed"), "the line")
    assert browser.cookie.partition("=")[2] not in browser.proxy.log()
    assert "Traceback" not in browser.proxy.log()


def test_the_continue_comes_once_the_right_is_known(proxy: Proxy, portal: Portal, browser: AppBrowser) -> None:
    for cookie, first in ((browser.cookie, b"HTTP/1.1 100 Continue"), ("", b"HTTP/1.1 401 Unauthorized")):
        with browser.wire() as wire:
            head = f"PUT /any HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {cookie}\r\nContent-Length: 4\r\n"
            wire.sendall((head + "Expect: 100-continue\r\nConnection: close\r\n\r\n").encode())
            stream = wire.makefile("rb")
            assert stream.readline().strip() == first
            if cookie:
                wire.sendall(b"body")
                assert b'"bytes": 4' in stream.read()


def test_requests_on_one_connection_are_judged_one_by_one(browser: AppBrowser) -> None:
    with browser.wire() as wire:
        stream = wire.makefile("rb")
        for cookie, status in ((browser.cookie, b"204"), ("", b"401"), (browser.cookie, b"204")):
            wire.sendall(f"GET /status/204 HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {cookie}\r\n\r\n".encode())
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += stream.readline()
            assert head.split(b" ", 2)[1] == status
            length = re.search(rb"(?i)content-length: (\d+)", head)
            stream.read(int(length[1]) if length else 0)
