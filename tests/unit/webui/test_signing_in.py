"""Signing in and out, as browsers do it."""

from __future__ import annotations

import pytest

from tests.support.api_lab import ORIGIN, password_of
from tests.support.portal_lab import PortalLab


def test_a_right_pair_leads_home_with_a_cookie(lab: PortalLab) -> None:
    browser = lab.browser()
    assert "Northlight" in browser.get("/sign-in").text
    answer = browser.post("/sign-in", username=" demo ", password=password_of("demo"))
    assert (answer.status, answer.location) == (303, "/")
    cookie = next(text for text in answer.headers.get_all("Set-Cookie") if text.startswith("asci="))  # type: ignore[attr-defined]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Expires=" in cookie
    assert browser.get("/").status == 200


def test_a_wrong_pair_never_says_which_was_wrong(lab: PortalLab) -> None:
    browser = lab.browser()
    for username in ("demo", "nobody"):
        answer = browser.sign_in(username, "wrong")
        assert answer.status == 401
        assert "Name and password do not match." in answer.text
        assert f'value="{username}"' in answer.html
        assert "wrong" not in answer.html.replace("circle", "")


def test_too_many_tries_count_down(lab: PortalLab) -> None:
    browser = lab.browser()
    for _ in range(20):
        answer = browser.sign_in("demo", "wrong")
        if answer.status == 429:
            break
    assert "Too many tries. Try again in" in answer.text
    assert 'data-countdown="' in answer.html


@pytest.mark.parametrize(
    ("wanted", "target"),
    [("/s/k3v9x2mq", "/s/k3v9x2mq"), ("//evil.example", "/"), ("https://evil.example/", "/"), ("", "/")],
)
def test_back_to_where_one_was_but_never_to_another_site(lab: PortalLab, wanted: str, target: str) -> None:
    assert lab.browser().sign_in("demo", next=wanted).location == target


def test_pages_ask_to_sign_in_and_remember_the_way(lab: PortalLab) -> None:
    answer = lab.browser().get("/s/k3v9x2mq?x=1")
    assert answer.status == 303
    assert answer.location == "/sign-in?next=%2Fs%2Fk3v9x2mq%3Fx%3D1"
    assert 'name="next" value="/s/k3v9x2mq?x=1"' in lab.browser().get(answer.location).html


def test_scripts_are_told_where_to_go(lab: PortalLab) -> None:
    answer = lab.browser().get("/fragments/sessions", HX_Request="true", X_Page="/")
    assert (answer.status, answer.headers["HX-Redirect"]) == (401, "/sign-in")
    answer = lab.browser().get("/s/k3v9x2mq/state", X_Inline="1", X_Page="/s/k3v9x2mq")
    assert answer.headers["HX-Redirect"] == "/sign-in?next=%2Fs%2Fk3v9x2mq"


def test_an_ended_sign_in_says_why(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    assert "Your desktops keep running." in demo.get("/sign-in?reason=idle").text
    assert "You are signed out." in demo.get("/sign-in?reason=out").text
    assert "desktops keep running" not in demo.get("/sign-in?reason=nonsense").text


def test_signing_out_ends_the_token_itself(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    cookie = demo.client.get_cookie("asci")
    assert cookie is not None
    assert demo.post("/sign-out").location == "/sign-in?reason=out"
    assert demo.client.get_cookie("asci") is None
    demo.client.set_cookie("asci", cookie.value)
    assert demo.get("/").status == 303


def test_signing_out_works_while_the_api_is_away(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    lab.wire.cut = True
    assert demo.post("/sign-out").status == 303
    assert demo.client.get_cookie("asci") is None


def test_forms_need_our_token(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    jun = lab.browser("jun")
    for token in ("", "nonsense", jun.token):
        assert demo.post("/start", environment="desktop", form_token=token).status == 400
    assert lab.api.visitor("demo").get("/instances").json["items"] == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", ORIGIN + ".evil.example"])
def test_forms_come_from_our_origin(lab: PortalLab, origin: str) -> None:
    demo = lab.browser("demo")
    assert demo.post("/start", {"Origin": origin}, environment="desktop").status == 400
    stranger = lab.browser()
    stranger.get("/sign-in")
    answer = stranger.post("/sign-in", {"Origin": origin}, username="demo", password=password_of("demo"))
    assert answer.status == 400


def test_a_form_still_counts_after_signing_in_again(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    demo.get("/account")
    token = demo.token
    demo.post("/sign-out")
    demo.sign_in("demo")
    assert demo.post("/theme", theme="dark", form_token=token).status == 303


def test_a_sign_in_form_works_in_whichever_tab(lab: PortalLab) -> None:
    browser = lab.browser()
    browser.get("/sign-in")
    first = browser.token
    browser.sign_in("jun")
    browser.post("/sign-out")
    answer = browser.post("/sign-in", username="demo", password=password_of("demo"), form_token=first)
    assert answer.status == 303


def test_the_persons_own_address_reaches_the_api(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    lab.wire.passed.clear()
    demo.get("/", X_Forwarded_For="192.0.2.77")
    assert {request.headers["X-Forwarded-For"] for request in lab.wire.passed} == {"192.0.2.77"}
