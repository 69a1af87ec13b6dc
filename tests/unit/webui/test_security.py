"""What pages may load."""

from __future__ import annotations

from asci_shared.web.security import PagePolicy, headers, websocket_origin
from tests.support.portal_lab import PortalLab

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def test_the_policy_of_pages() -> None:
    assert PagePolicy().header() == STRICT
    assert headers(PagePolicy())["X-Content-Type-Options"] == "nosniff"


def test_a_session_page_draws_data_pictures_and_names_its_socket() -> None:
    policy = PagePolicy(data_pictures=True, websocket="wss://asci.example.org").header()
    assert "img-src 'self' data:;" in policy
    assert "connect-src 'self' wss://asci.example.org;" in policy
    assert "script-src 'self';" in policy


def test_only_a_web_session_posts_to_its_own_host(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    one = lab.api.visitor("demo").start()
    assert "form-action 'self';" in demo.get(f"/s/{one}").headers["Content-Security-Policy"]
    policy = PagePolicy(posts_to="https://x.apps.example.org").header()
    assert "form-action 'self' https://x.apps.example.org;" in policy


def test_websocket_origins() -> None:
    assert websocket_origin("https://asci.example.org") == "wss://asci.example.org"
    assert websocket_origin("http://localhost:8080") == "ws://localhost:8080"


def test_every_page_carries_the_headers(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    for path in ("/", "/account", "/help", "/accessibility", "/browsers", "/nothing", "/sign-in"):
        answer = demo.get(path)
        assert answer.headers["Content-Security-Policy"] == STRICT, path
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert len(answer.headers["X-Request-Id"]) == 32
