"""Every page in light and dark, wide and on a phone: axe finds nothing, nothing scrolls sideways; with pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.support.api_caller import ApiCaller
from tests.support.browser import Visitor
from tests.support.eventually import eventually

Visit = Callable[..., Visitor]


def test_home_with_everything(
    visit: Visit,
    good: Callable[[Visitor, str], None],
    demo: ApiCaller,
    mara: ApiCaller,
    desktop: Callable[[], str],
    trial_environments: None,
) -> None:
    name = desktop()
    hers = mara.start("desktop", title="Sample changer 3")["id"]
    broken = demo.start("broken")["id"]
    whole = demo.start("whole")["id"]
    mara.wait_state(hers, "running", within=90)
    mara.put(f"/instances/{hers}/shares/demo", {"mode": "view"})
    demo.wait_state(broken, "failed", within=60)
    window = visit("demo")
    window.open(name)
    window.wait_desktop()
    window.page.wait_for_timeout(2500)  # by then the page has kept a picture of it
    slow = demo.start("slow")["id"]
    demo.wait_state(slow, "starting", within=30)
    window.page.get_by_role("link", name="My sessions").click()
    expect(window.page.locator(f"#s-{name} canvas")).to_be_visible()
    for one, word in ((name, "Running"), (slow, "Starting"), (whole, "In the queue"), (broken, "Did not start")):
        expect(window.page.locator(f"#s-{one}")).to_contain_text(word)
    expect(window.page.locator(f"#s-{hers}")).to_contain_text("Shared by Mara Lee")
    good(window, "1-home")

    window.open(slow)
    expect(window.page.locator("#room")).to_contain_text("Your desktop is starting")
    good(window, "3-waiting")
    window.open(whole)
    expect(window.page.locator("#room")).to_contain_text("in the queue")
    good(window, "queued")
    window.open(broken)
    expect(window.page.locator("#room")).to_contain_text("did not start")
    good(window, "failed")
    window.page.goto(f"/s/{broken}/details")
    good(window, "details-failed")
    for one in (slow, whole, broken):
        demo.delete(f"/instances/{one}")
    mara.stop(hers)


def test_home_empty_and_a_search_without_hits(visit: Visit, good: Callable[[Visitor, str], None]) -> None:
    window = visit("mara")
    window.page.goto("/")
    expect(window.page.locator("#nothing")).to_contain_text("Nothing is running.")
    good(window, "2-home-empty")
    window.page.keyboard.press("/")
    window.page.keyboard.type("tomoxx")
    expect(window.page.get_by_text("Nothing fits")).to_be_visible()
    window.page.wait_for_timeout(150)
    good(window, "2-home-no-hit")
    window.page.goto("/?q=tomoxx")
    expect(window.page.get_by_text("Nothing fits")).to_be_visible()


def test_pages_for_everybody(visit: Visit, good: Callable[[Visitor, str], None]) -> None:
    window = visit()
    for path in ("sign-in", "help", "accessibility", "browsers"):
        window.page.goto(f"/{path}")
        good(window, path)
    with window.tolerating("status of 404"):
        window.page.goto("/nothing/here")
        good(window, "not-found")


def test_account_and_details(visit: Visit, good: Callable[[Visitor, str], None], desktop: Callable[[], str]) -> None:
    window = visit("demo")
    window.page.goto("/account")
    good(window, "account")
    window.page.goto(f"/s/{desktop()}/details")
    good(window, "details")


def test_the_desktop_page_with_its_dialogs(
    visit: Visit, good: Callable[[Visitor, str], None], demo: ApiCaller, desktop: Callable[[], str]
) -> None:
    name = desktop()
    sooner = (datetime.now(UTC) + timedelta(days=3)).isoformat()  # else there is nothing to keep longer
    assert demo.request("PATCH", f"/instances/{name}", json={"expires_at": sooner}).status_code == 200
    demo.put(f"/instances/{name}/shares/mara", {"mode": "view"})
    demo.put(f"/instances/{name}/shares/admin", {"mode": "control"})
    guest, window = visit("mara"), visit("demo")
    guest.open(name)
    window.open(name)
    eventually(guest.live_sockets, within=20, what="the guest")
    window.wait_desktop()
    good(guest, "5-guest")  # first: her owner's window in other sizes gives the desktop other sizes
    good(window, "3-desktop")
    for opener, heading, picture in (("#share", "Share", "4-share"),):
        window.page.locator(opener).click()
        expect(window.page.get_by_role("dialog").filter(has_text=heading)).to_be_visible()
        good(window, picture)
        window.page.keyboard.press("Escape")
        expect(window.page.locator("dialog[open]")).to_have_count(0)
    for entry, heading, picture in (
        ("Stop session…", "Stop", "7-stop"),
        ("Rename", "Rename", "rename"),
        ("Keep it longer", "longer", "keep"),
        ("Keyboard shortcuts", "Keyboard shortcuts", "shortcuts"),
    ):
        window.page.locator("#more").click()
        window.page.get_by_role("menuitem", name=entry).click()
        expect(window.page.get_by_role("dialog").filter(has_text=heading)).to_be_visible()
        good(window, picture)
        window.page.keyboard.press("Escape")
        expect(window.page.locator("dialog[open]")).to_have_count(0)
    for button in ("#more", "#keys", "#clipboard", "#quality"):
        window.page.locator(button).click()
        window.page.wait_for_timeout(100)
        assert not window.axe(), button
        window.picture(f"menu-{button[1:]}")
        window.page.keyboard.press("Escape")
    assert window.live_sockets()
    demo.delete(f"/instances/{name}/shares/mara")
    demo.delete(f"/instances/{name}/shares/admin")


def test_by_keyboard_alone(visit: Visit, desktop: Callable[[], str]) -> None:
    name = desktop()
    window = visit("demo")
    window.page.goto("/")
    focused = "document.activeElement?.closest('.card')?.id ?? ''"
    for _ in range(20):
        window.page.keyboard.press("Tab")
        if window.evaluate(focused) == f"s-{name}":
            break
    assert window.evaluate(focused) == f"s-{name}", "no card is reached by Tab"
    window.picture("10-focus-card")
    window.page.keyboard.press("Enter")
    window.page.wait_for_url(re.compile(f"/s/{name}"))
    window.wait_desktop()
    window.focus_desktop()
    for key in ("Control", "Alt", "Shift"):
        window.page.keyboard.down(key)
    for key in ("Shift", "Alt", "Control"):
        window.page.keyboard.up(key)
    window.page.wait_for_timeout(100)
    assert window.evaluate("!!document.activeElement.closest('#toolbar')"), "the chord does not lead to the bar"
    window.picture("10-focus-toolbar")
    for _ in range(12):
        if window.evaluate("document.activeElement.id") == "share":
            break
        window.page.keyboard.press("ArrowRight")
    window.page.keyboard.press("Enter")
    expect(window.page.get_by_role("combobox", name="Find a person by name")).to_be_focused()
    window.picture("10-focus-dialog")
    window.page.keyboard.type("mara")
    expect(window.page.get_by_role("option")).to_have_count(1)
    window.page.keyboard.press("Enter")
    expect(window.page.locator("#person-mara")).to_be_visible()
    window.page.locator("#remove-mara").focus()
    window.page.keyboard.press("Enter")
    expect(window.page.locator("#person-mara")).to_have_count(0)
    window.page.keyboard.press("Escape")
    expect(window.page.locator("dialog[open]")).to_have_count(0)
    assert window.evaluate("document.activeElement.id") == "share", "the focus did not return"
