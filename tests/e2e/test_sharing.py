"""Sharing: she watches, she controls, and when it is over her picture closes within a second."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.test_first_session import open_terminal
from tests.support.api_caller import ApiCaller
from tests.support.browser import Visitor
from tests.support.composed import Installation
from tests.support.edge_viewer import EdgeViewer, enter
from tests.support.eventually import eventually
from tests.support.rfb_client import RfbError

Visit = Callable[..., Visitor]
REVOKED = 4403


@pytest.fixture(autouse=True)
def _nobody_else_stays_on(demo: ApiCaller, desktop: Callable[[], str]) -> Iterator[None]:
    yield
    demo.delete(f"/instances/{desktop()}/shares/mara")


def share(owner: Visitor, name: str, mode: str) -> None:
    """In the dialog, by keyboard: search, Enter."""
    page = owner.page
    page.locator("#share").click()
    page.get_by_role("combobox", name="Find a person by name").wait_for()
    page.get_by_role("radio", name=mode.capitalize()).check()
    page.get_by_role("combobox").fill(name)
    page.get_by_role("option", name=re.compile(name)).wait_for()
    page.get_by_role("combobox").press("Enter")
    page.locator(".people").get_by_text(name).wait_for()


def test_view_then_control_then_out(
    visit: Visit, installation: Installation, demo: ApiCaller, desktop: Callable[[], str]
) -> None:
    name = desktop()
    owner, guest = visit("demo"), visit("mara")
    owner.open(name)
    open_terminal(owner)

    share(owner, "Mara Lee", "view")
    owner.picture("4-share-dialog")
    owner.page.get_by_role("button", name="Done").click()
    guest.page.goto("/")
    card = guest.page.locator(f"#s-{name}")
    expect(card).to_contain_text("Shared by Demo Scientist")
    card.get_by_role("link", name=re.compile("^Open")).click()
    guest.page.wait_for_url(re.compile(rf"/s/{name}$"))
    eventually(guest.live_sockets, within=20, what="her connection")
    eventually(lambda: guest.screen() is not None, within=20, what="her picture")
    expect(guest.page.locator(".bar-guest")).to_contain_text("you are watching")

    # her keys and her mouse do nothing
    guest.focus_desktop()
    guest.type_line("touch ~/mara-typed-while-watching")
    owner.focus_desktop()
    owner.page.keyboard.press("Control+c")
    owner.type_line("touch ~/owner-typed")
    eventually(lambda: installation.home_file("demo", "owner-typed") is not None, within=15, what="the owner's file")
    assert installation.home_file("demo", "mara-typed-while-watching") is None
    guest.picture("5-guest-watching")

    # control
    owner.page.locator("#share").click()
    owner.page.get_by_label("What Mara Lee may do").select_option("control")
    eventually(lambda: demo.instance(name)["shares"][0]["mode"] == "control", within=10, what="the share to be control")
    owner.page.get_by_role("button", name="Done").click()
    guest.open(name)
    expect(guest.page.locator(".bar-guest")).to_contain_text("you can control")
    eventually(guest.live_sockets, within=20, what="her connection with control")
    eventually(lambda: guest.screen() is not None, within=20, what="her picture")
    guest.page.wait_for_timeout(500)
    guest.focus_desktop()
    guest.type_line("touch ~/mara-typed-in-control")
    eventually(lambda: installation.home_file("demo", "mara-typed-in-control") is not None, within=15, what="her file")

    # out
    owner.page.locator("#share").click()
    expect(owner.page.locator("#person-mara")).to_contain_text("Here now")
    owner.picture("4-share-here-now")
    socket = guest.live_sockets()[0]
    removed = time.monotonic()
    owner.page.locator("#remove-mara").click()
    expect(guest.page.locator("#over")).to_contain_text("ended your access", timeout=5000)
    told = time.monotonic() - removed
    guest.page.wait_for_timeout(200)
    assert socket.is_closed()
    closed = guest.sockets_closed[socket.url] - removed
    print(f"removed to her page saying so: {told:.2f} s, her socket closed: {closed:.2f} s")
    guest.picture("5-guest-after-revocation")
    guest.page.wait_for_timeout(1500)
    assert not guest.live_sockets(), "her page came back in"
    assert owner.live_sockets(), "the owner was cut as well"
    with guest.tolerating("40[34]"):
        answer = guest.page.goto(f"/s/{name}")
    assert answer is not None
    assert answer.status in {403, 404}


def test_revoked_sockets_are_closed_within_a_second(
    installation: Installation, demo: ApiCaller, mara: ApiCaller, desktop: Callable[[], str]
) -> None:
    name = desktop()
    for mode in ("view", "control"):
        assert demo.put(f"/instances/{name}/shares/mara", {"mode": mode}).status_code == 200
        with enter(mara, name, mode) as viewer:
            viewer.rfb.wait_frame()
            removed = time.monotonic()
            assert demo.delete(f"/instances/{name}/shares/mara").status_code == 204
            closed = viewer.wait_closed(within=5) - removed
            print(f"{mode}: revoked to socket closed: {closed * 1000:.0f} ms")
            assert viewer.closed_code == REVOKED
        assert mara.post(f"/instances/{name}/connections", {"mode": "view"}).status_code in {403, 404}


def test_a_share_lowered_to_view_takes_control_away_at_once(
    installation: Installation, demo: ApiCaller, mara: ApiCaller, desktop: Callable[[], str]
) -> None:
    name = desktop()
    demo.put(f"/instances/{name}/shares/mara", {"mode": "control"})
    with enter(demo, name) as owner:
        with enter(mara, name) as viewer:
            viewer.rfb.wait_frame()
            assert demo.put(f"/instances/{name}/shares/mara", {"mode": "view"}).status_code == 200
            viewer.wait_closed(within=5)
        assert mara.post(f"/instances/{name}/connections", {"mode": "control"}).status_code == 403
        with enter(mara, name, "view") as watcher:
            watcher.rfb.wait_frame()
        owner.rfb.wait_frame()  # the owner's viewer lived on while the desktop's secret was changed
    # and what was her secret for control before opens nothing: the desktop has another one now
    with enter(demo, name) as again:
        again.rfb.wait_frame()


def test_one_put_out_by_the_owner_is_out(
    installation: Installation, demo: ApiCaller, mara: ApiCaller, desktop: Callable[[], str]
) -> None:
    name = desktop()
    demo.put(f"/instances/{name}/shares/mara", {"mode": "view"})
    ticket = mara.connect(name, "view")
    with EdgeViewer(installation.url, ticket, mara.token) as viewer:
        viewer.rfb.wait_frame()
        on = eventually(
            lambda: [c for c in demo.get(f"/instances/{name}/connections").json()["items"] if c["username"] == "mara"],
            within=10, what="mara among those who are on",
        )  # fmt: skip
        assert demo.delete(f"/instances/{name}/connections/{on[0]['id']}").status_code == 204
        viewer.wait_closed(within=5)
        assert viewer.closed_code == 4409
    with pytest.raises((RfbError, OSError, TimeoutError)):
        EdgeViewer(installation.url, ticket, mara.token)
