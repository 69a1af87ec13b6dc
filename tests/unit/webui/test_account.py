"""The account page: password and theme."""

from __future__ import annotations

from tests.support.api_lab import password_of
from tests.support.portal_lab import PortalLab

NEW = "four words nobody guesses"


def test_who_one_is(lab: PortalLab) -> None:
    page = lab.browser("jun").get("/account")
    assert "Jun Okafor" in page.text
    assert "xfm" in page.text


def test_a_new_password(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    answer = demo.post("/account/password", current=password_of("demo"), new=NEW, repeat=NEW)
    assert answer.location == "/account?saved=1"
    assert "Your password is changed." in demo.get(answer.location).text
    assert lab.browser().sign_in("demo", NEW).status == 303
    assert lab.browser().sign_in("demo").status == 401


def test_each_mistake_stands_at_its_field(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    right = password_of("demo")
    for fields, sentence in (
        ({"current": "wrong", "new": NEW, "repeat": NEW}, "That is not your current password."),
        ({"current": right, "new": NEW, "repeat": NEW + "x"}, "The two new passwords differ."),
        ({"current": right, "new": "short", "repeat": "short"}, ""),
    ):
        answer = demo.post("/account/password", **fields)
        assert answer.status in {403, 422}
        assert sentence in answer.text
        assert 'aria-invalid="true"' in answer.html
        assert NEW not in answer.html
    assert lab.browser().sign_in("demo").status == 303


def test_the_theme_comes_with_the_page(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    assert "data-theme" not in demo.get("/account").html.split("<head>")[0]
    assert demo.post("/theme", theme="dark", next="/account").location == "/account"
    assert '<html lang="en" data-theme="dark">' in demo.get("/account").html
    assert demo.post("/theme", {"X-Inline": "1"}, theme="light").status == 204
    assert '<html lang="en" data-theme="light">' in demo.get("/account").html
    demo.post("/theme", theme="")
    assert "data-theme" not in demo.get("/account").html.split("<head>")[0]
    assert demo.post("/theme", theme="dark", next="//evil.example").location == "/"
