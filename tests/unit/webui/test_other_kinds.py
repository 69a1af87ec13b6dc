"""The session pages of web applications and of services."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asci_api.domain.environment import Kind
from tests.support.people import DESKTOP
from tests.support.portal_lab import PortalLab

INLINE = {"X-Inline": "1"}


@pytest.fixture
def web(lab: PortalLab) -> str:
    """JupyterLab, running."""
    lab.api.offer(replace(DESKTOP, name="jupyter", title="JupyterLab", kind=Kind.WEB, port=8888, icon="notebook-pen"))
    one = lab.api.visitor("demo").start(environment="jupyter", title="Fits of Tuesday")
    lab.api.runs(one)
    return one


@pytest.fixture
def service(lab: PortalLab) -> str:
    """A service, running."""
    lab.api.offer(replace(DESKTOP, name="fits", title="Fitting", kind=Kind.SERVICE, port=0))
    one = lab.api.visitor("demo").start(environment="fits", title="Night run")
    lab.api.runs(one)
    return one


def test_a_web_application_opens_by_a_form_to_its_own_origin(lab: PortalLab, web: str) -> None:
    page = lab.browser("demo").get(f"/s/{web}")
    assert "Fits of Tuesday is running" in page.text
    assert "Open JupyterLab" in page.text
    assert 'id="open-app"' in page.html
    assert f"form-action 'self' http://{web}.apps.example.org:8080;" in page.headers["Content-Security-Policy"] + ";"
    assert '<meta name="referrer" content="strict-origin">' in page.html  # else the form's Origin is null
    for word in ("Share", "Stop session…", "Details"):
        assert word in page.text, word
    for word in ("Clipboard", "Full screen", "Sharp"):
        assert word not in page.text, word


def test_only_its_own_page_may_post_there(lab: PortalLab, web: str) -> None:
    other = lab.api.visitor("demo").start(environment="jupyter")
    demo = lab.browser("demo")
    for path in ("/", f"/s/{other}", f"/s/{web}/details"):
        assert web not in demo.get(path).headers["Content-Security-Policy"], path


def test_a_web_application_is_shared_for_control_only(lab: PortalLab, web: str) -> None:
    demo = lab.browser("demo")
    dialog = demo.get(f"/s/{web}/share?q=okaf")
    assert 'value="view"' not in dialog.html
    assert '<input type="hidden" name="mode" value="control">' in dialog.html
    added = demo.post(f"/s/{web}/share", INLINE, username="jun", mode="control")
    assert "Jun can control." in added.text
    assert "Can control" in added.text
    assert "<select" not in added.html
    assert "Jun is out. Their page closed." in demo.post(f"/s/{web}/share", INLINE, username="jun", act="remove").text


def test_a_guest_opens_it_too_and_may_not_stop_it(lab: PortalLab, web: str) -> None:
    lab.api.visitor("demo").put(f"/instances/{web}/shares/jun", {"mode": "control"})
    page = lab.browser("jun").get(f"/s/{web}")
    assert "Open JupyterLab" in page.text
    for part in ("/share", "/stop", "/rename"):
        assert part not in page.html, part


def test_the_card_of_a_web_application_has_share_and_open(lab: PortalLab, web: str) -> None:
    home = lab.browser("demo").get("/")
    assert 'aria-label="Open: Fits of Tuesday"' in home.html
    assert 'aria-label="Share: Fits of Tuesday"' in home.html


def test_a_service_shows_its_log_with_stop(lab: PortalLab, service: str) -> None:
    page = lab.browser("demo").get(f"/s/{service}")
    assert "Night run is running" in page.text
    assert 'id="live-log"' in page.html
    assert f'href="/s/{service}/stop"' in page.html
    assert "/share" not in page.html
    assert "open-app" not in page.html
    assert lab.browser("demo").get(f"/s/{service}/log").headers["Content-Type"].startswith("text/plain")
