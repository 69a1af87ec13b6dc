"""A scientist's first day: sign in, start, work by keyboard, stop; and her second session finds her files."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import expect

from tests.support.api_caller import ApiCaller
from tests.support.browser import Visitor
from tests.support.composed import Installation, inspect
from tests.support.eventually import eventually

Visit = Callable[..., Visitor]


def open_terminal(window: Visitor) -> None:
    """By keyboard alone, as MATE has it."""
    before = window.wait_desktop()
    window.focus_desktop()
    window.page.keyboard.press("Alt+F2")
    window.wait_window(before, least=0.01)
    window.type_line("mate-terminal")
    window.wait_window(before, least=0.2)


def test_start_leads_straight_into_a_desktop_that_writes_to_the_home(
    visit: Visit, installation: Installation, demo: ApiCaller
) -> None:
    window = visit("demo")
    window.picture("2-home-empty")
    clicked = time.monotonic()
    name = window.start("desktop")
    window.picture("3-waiting-room")
    window.wait_desktop(within=120)
    print(f"click to complete desktop, first start of all: {time.monotonic() - clicked:.2f} s")
    window.picture("3-desktop")
    open_terminal(window)
    window.type_line("echo 'first light' > ~/measured.txt")
    eventually(lambda: installation.home_file("demo", "measured.txt"), within=15, what="the file on the machine")
    assert installation.home_file("demo", "measured.txt") == "first light\n"
    window.picture("3-desktop-terminal")
    control, view = installation.vnc_passwords(name)
    assert control != view

    window.page.get_by_role("button", name="More", exact=True).click()
    window.page.get_by_role("menuitem", name="Stop session…").click()
    window.page.wait_for_timeout(400)
    window.picture("7-stop-question")
    window.page.get_by_role("button", name="Stop session", exact=True).click()
    stopped = demo.wait_state(name, "stopped", within=30)
    assert stopped["end_reason"]
    assert installation.instance(name) is None
    assert installation.home_file("demo", "measured.txt") == "first light\n"
    window.page.goto("/")
    expect(window.page.locator("#ended")).to_contain_text(stopped["end_reason"].rstrip("."))


def test_two_sessions_at_once_share_the_home_of_one_person(
    visit: Visit, installation: Installation, demo: ApiCaller, desktop: Callable[[], str]
) -> None:
    one, other = desktop(), demo.start("desktop", title="Second screen")["id"]
    first, second = visit("demo"), visit("demo")
    first.open(one)
    open_terminal(first)
    first.type_line("cat ~/measured.txt > ~/read-again.txt")
    second.open(other)
    open_terminal(second)
    second.type_line("hostname > ~/second.txt; cat ~/measured.txt >> ~/second.txt")
    eventually(
        lambda: (installation.home_file("demo", "second.txt") or "").count("\n") == 2,
        within=15,
        what="the second's file",
    )
    assert installation.home_file("demo", "read-again.txt") == "first light\n"
    assert installation.home_file("demo", "second.txt") == f"{other}\nfirst light\n"
    assert first.live_sockets()
    demo.stop(other)
    expect(second.page.locator("#room")).to_contain_text(re.compile("ended|stopped", re.IGNORECASE))
    assert demo.instance(one)["state"] == "running"


def test_an_instance_keeps_the_walls(installation: Installation, desktop: Callable[[], str]) -> None:
    facts = inspect(installation.instance(desktop()) or "")
    host, config = facts["HostConfig"], facts["Config"]
    assert host["ReadonlyRootfs"]
    assert not host["Privileged"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
    assert config["User"] == "20001:20001"
    assert 0 < host["Memory"] <= 2 << 30
    assert 0 < host["PidsLimit"] <= 4096
    assert {mount["Destination"] for mount in facts["Mounts"] if mount["Type"] == "bind"} == {"/home/demo"}
    assert "exec" in host["Tmpfs"]["/tmp"].split(",")
