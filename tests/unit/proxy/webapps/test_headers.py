"""Header fields and cookies on their way through the proxy."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from asci_proxy.webapps import cookies, headers
from asci_proxy.webapps.cookies import AppCookie

TOKENS = st.text("!#$%&'*+-.^_`|~" + string.ascii_letters + string.digits, min_size=1, max_size=20)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_characters="\x7f"), max_size=30)
FIELDS = st.lists(st.tuples(TOKENS | st.sampled_from(sorted(headers.HOP_BY_HOP)), VALUES), max_size=12)
COOKIES = st.lists(
    st.tuples(TOKENS | st.sampled_from(["asci", "asci-app", "__Host-asci-app", "ASCI-App"]), TOKENS), max_size=8
)
OURS = {"asci-app", "__host-asci-app", "asci", "__host-asci", "asci-visitor", "__host-asci-visitor"}


@given(FIELDS, st.lists(TOKENS, max_size=3))
def test_nothing_of_one_connection_goes_further(fields: list[tuple[str, str]], named: list[str]) -> None:
    given = CIMultiDict([*fields, ("Connection", ", ".join(named))])
    for passed in (headers.request_up(given, {}), headers.response_down(given)):
        names = {name.lower() for name in passed}
        assert not names & headers.HOP_BY_HOP
        assert not names & {name.lower() for name in named}


@given(FIELDS)
def test_all_else_goes_further_in_order_and_unchanged(fields: list[tuple[str, str]]) -> None:
    mine = [(f"X-Mine-{name}", value) for name, value in fields]
    assert list(headers.request_up(CIMultiDict(mine), {}).items()) == mine
    assert list(headers.response_down(CIMultiDict(mine)).items()) == [*mine, ("Referrer-Policy", "same-origin")]


@given(st.sampled_from(["x-asci-upstream", "X-ASCI-Upstream", "X_ASCI_UPSTREAM", "X-Asci_Any"]), VALUES)
def test_only_asci_speaks_as_asci(name: str, value: str) -> None:
    said = {"X-ASCI-Upstream": "true", "Host": "a.localhost"}
    up = headers.request_up(CIMultiDict([(name, value), ("Host", "b")]), said)
    assert sorted(up.items()) == [("Host", "a.localhost"), ("X-ASCI-Upstream", "true")]
    assert name not in headers.response_down(CIMultiDict([(name, value)]))


@pytest.mark.parametrize(
    "name", ["Forwarded", "X-Forwarded-For", "x_forwarded_host", "X-Real-IP", "Expect", "HTTP2-Settings"]
)
def test_what_a_browser_says_of_itself_is_not_passed_on(name: str) -> None:
    assert not headers.request_up(CIMultiDict([(name, "x")]), {})


def test_a_policy_of_the_applications_own_stays() -> None:
    given = CIMultiDict([("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY"), ("Cache-Control", "public")])
    assert headers.response_down(given) == given


@given(st.binary(max_size=40))
def test_any_bytes_can_be_sent_on(raw: bytes) -> None:
    headers.sendable(raw.decode("utf-8", "surrogateescape")).encode()


def test_utf_8_stays_and_latin_1_becomes_readable() -> None:
    assert headers.sendable("café") == "café"
    assert headers.sendable(b"caf\xe9".decode("utf-8", "surrogateescape")) == "café"


# -- cookies --


@given(COOKIES, st.sampled_from(["; ", ";", " ; "]))
def test_an_application_gets_its_own_cookies_alone(pairs: list[tuple[str, str]], between: str) -> None:
    line = between.join(f"{name}={value}" for name, value in pairs)
    left = cookies.for_app([line])
    expected = [f"{name}={value}" for name, value in pairs if name.lower() not in OURS]
    assert left == "; ".join(expected)


def test_cookies_of_several_lines_are_one() -> None:
    assert cookies.for_app(["a=1; asci=x", 'b="2 3"', ""]) == 'a=1; b="2 3"'


def test_a_cookie_without_a_name_or_value_passes() -> None:
    assert cookies.for_app(["flag; a=; =b"]) == "flag; a=; =b"


@given(
    TOKENS, TOKENS, st.lists(st.sampled_from(["Path=/", "HttpOnly", "domain=x", "Domain", " DOMAIN = .y", "Max-Age=1"]))
)
def test_a_cookie_of_an_application_has_no_domain(name: str, value: str, attributes: list[str]) -> None:
    kept = cookies.from_app(";".join([f"{name}={value}", *attributes]))
    if name.lower() in OURS:
        assert kept is None
    else:
        expected = [one for one in attributes if "domain" not in one.lower()]
        assert kept == ";".join([f"{name}={value}", *expected])


@pytest.mark.parametrize("name", ["asci", "asci-app", "__Host-asci-app", " ASCI-APP ", "__Host-asci", "asci-visitor"])
def test_an_application_sets_no_cookie_of_ours(name: str) -> None:
    assert cookies.from_app(f"{name}=x; Path=/") is None


def test_our_cookie_is_as_strict_as_the_address_allows() -> None:
    assert AppCookie("http://localhost:8080").set("v") == "asci-app=v; Path=/; HttpOnly; SameSite=Lax"
    assert AppCookie("https://a.example").set("v") == "__Host-asci-app=v; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert AppCookie("https://a.example").drop().startswith("__Host-asci-app=; Path=/; Max-Age=0;")


@given(st.lists(st.text(max_size=40), max_size=10))
def test_reading_our_cookie_bears_anything(lines: list[str]) -> None:
    hashes = AppCookie("http://localhost:8080").hashes(lines)
    assert len(hashes) <= 4
    assert all(len(one) == 64 for one in hashes)


def test_several_cookies_of_our_name_are_each_tried_once() -> None:
    values = ["a" * 43, "b" * 43, "a" * 43, "too short"]
    line = "; ".join(f"asci-app={value}" for value in values)
    assert len(AppCookie("http://localhost:8080").hashes([line])) == 2


# -- who asks --


@pytest.mark.parametrize(
    ("fields", "page"),
    [
        ({"Sec-Fetch-Dest": "document", "Accept": "*/*"}, True),
        ({"Sec-Fetch-Dest": "iframe"}, True),
        ({"Sec-Fetch-Dest": "empty", "Accept": "text/html"}, False),
        ({"Accept": "text/html,*/*"}, True),
        ({"Accept": "*/*"}, False),
        ({}, False),
    ],
)
def test_pages_are_for_people(fields: dict[str, str], page: bool) -> None:
    assert headers.wants_page(CIMultiDict(fields)) is page


@pytest.mark.parametrize(
    ("connection", "upgrade", "is_one"),
    [
        ("Upgrade", "websocket", True),
        ("keep-alive, upgrade", "WebSocket", True),
        ("close", "websocket", False),
        ("upgrade", "h2c", False),
        ("upgraded", "websocket", False),
    ],
)
def test_an_upgrade_is_asked_for_by_both_fields(connection: str, upgrade: str, is_one: bool) -> None:
    assert headers.is_upgrade(CIMultiDict({"Connection": connection, "Upgrade": upgrade})) is is_one


@pytest.mark.parametrize(
    ("method", "fields", "background"),
    [
        ("GET", {"Sec-Fetch-Dest": "empty"}, True),
        ("POST", {"Sec-Fetch-Dest": "empty"}, False),
        ("GET", {"Sec-Fetch-Dest": "document"}, False),
        ("GET", {"Sec-Fetch-Dest": "websocket"}, True),
        ("GET", {}, False),
    ],
)
def test_a_page_that_polls_is_nobodys_input(method: str, fields: dict[str, str], background: bool) -> None:
    assert headers.is_background(method, fields) is background
