"""Errors as pages, in words, with the number for support and nothing of the inside."""

from __future__ import annotations

import gzip

import pytest
from werkzeug.exceptions import MethodNotAllowed, RequestEntityTooLarge

from asci_shared.api.errors import ApiAway, ApiProblem
from asci_shared.web.error_pages import error_page
from tests.support.portal_lab import PortalLab


@pytest.mark.parametrize(
    ("error", "status", "title", "retry"),
    [
        (ApiAway("x"), 503, "ASCI does not answer.", True),
        (ApiProblem(404, "unknown-instance", "There is no such session."), 404, "There is nothing here.", False),
        (ApiProblem(409, "quota-reached", "You have 6 of 6 sessions."), 409, "You have 6 of 6 sessions.", False),
        (ApiProblem(503, "restoring", "ASCI is being restored."), 503, "ASCI is being restored.", True),
        (ApiProblem(500, "broken", "KeyError"), 500, "Something went wrong on our side.", False),
        (MethodNotAllowed(), 405, "This cannot be opened that way.", False),
        (RequestEntityTooLarge(), 413, "That is too much to send.", False),
        (KeyError("secret"), 500, "Something went wrong on our side.", False),
    ],
)
def test_errors_in_words(error: Exception, status: int, title: str, retry: bool) -> None:
    page = error_page(error)
    assert (page.status, page.title, page.retry) == (status, title, retry)
    assert "secret" not in f"{page}"
    assert page.next_step or status == 409 or page.retry


def test_nothing_here(lab: PortalLab) -> None:
    answer = lab.browser().get("/nothing")
    assert answer.status == 404
    assert "There is nothing here." in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def test_the_api_being_away(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    lab.wire.cut = True
    answer = demo.get("/")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "3")
    assert "Your desktops keep running." in answer.text
    assert "data-retry" in answer.html
    part = demo.get("/fragments/sessions", HX_Request="true")
    assert part.status == 503
    assert "<html" not in part.html


def test_help_is_open_to_everybody_and_while_the_api_is_away(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    lab.wire.cut = True
    for browser in (demo, lab.browser()):
        for path in ("/help", "/accessibility", "/browsers"):
            assert browser.get(path).status == 200


def test_a_fault_of_ours(lab: PortalLab, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = lab.browser("demo")

    def broken(*_: object) -> None:
        raise RuntimeError("inner secret")

    monkeypatch.setattr("asci_webui.home._sessions", broken)
    answer = demo.get("/", X_Request_Id="0123456789abcdef0123456789abcdef")
    assert answer.status == 500
    assert "Something went wrong on our side." in answer.text
    assert "0123456789abcdef0123456789abcdef" in answer.text
    assert "inner secret" not in answer.html


def test_health_is_for_the_inside_only(lab: PortalLab) -> None:
    browser = lab.browser()
    assert browser.get("/health/live").status == 200
    assert browser.get("/health/ready").status == 200
    browser.get("/help")
    assert 'asci_webui_requests_total{method="GET",route="/help",status="200"}' in browser.get("/metrics").html
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert browser.get(path, X_Forwarded_For="192.0.2.7").status == 404


def test_large_forms_are_refused(lab: PortalLab) -> None:
    assert lab.browser("demo").post("/theme", theme="x" * 100_000).status == 413


def test_pages_travel_pressed_where_the_browser_takes_it(lab: PortalLab) -> None:
    client = lab.app.test_client()
    plain = client.get("/help")
    pressed = client.get("/help", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert pressed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in pressed.headers["Vary"]
    assert len(pressed.data) < len(plain.data) / 2
    assert "Keyboard shortcuts" in gzip.decompress(pressed.data).decode()
    assert "Content-Encoding" not in client.get("/help", headers={"Accept-Encoding": "gzip;q=0"}).headers
    assert "Content-Encoding" not in client.get("/robots.txt", headers={"Accept-Encoding": "gzip"}).headers
