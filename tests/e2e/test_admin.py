"""An administrator at work in a real browser: she sees the cluster, steers it, and the audit has it all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.api_caller import ApiCaller
from tests.support.browser import Visitor
from tests.support.eventually import eventually

Visit = Callable[..., Visitor]
Good = Callable[[Visitor, str], None]
LIMIT = 150_000  # bytes of the overview with all that it loads


@pytest.fixture(scope="module")
def admin(calls: Callable[[str], ApiCaller]) -> ApiCaller:
    return calls("admin")


@pytest.fixture
def active_node(admin: ApiCaller) -> Iterator[None]:
    """The machine's own node takes new sessions before and after."""
    yield
    assert admin.request("PATCH", "/nodes/local", json={"state": "active"}).status_code == 200


def answer_dialog(page: Page, button: str) -> None:
    """Presses the button of the open dialog, and waits until it is gone."""
    page.locator("dialog[open]").get_by_role("button", name=button).click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_the_way_there_is_in_the_account_menu_of_administrators_only(visit: Visit) -> None:
    window = visit("admin")
    window.page.goto("/")
    window.page.locator("[popovertarget=account-menu]").click()
    window.page.get_by_role("menuitem", name="Administration").click()
    expect(window.page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    window.page.get_by_role("link", name="Back to the portal").click()
    expect(window.page.get_by_role("heading", name="My sessions")).to_be_visible()
    other = visit("demo")
    other.page.goto("/")
    other.page.locator("[popovertarget=account-menu]").click()
    expect(other.page.get_by_role("menuitem", name="Sign out")).to_be_visible()
    expect(other.page.get_by_role("menuitem", name="Administration")).to_have_count(0)


def test_who_is_no_administrator_is_refused(visit: Visit, good: Good) -> None:
    window = visit("demo")
    with window.tolerating("status of 403"):
        window.page.goto("/admin")
        expect(window.page.get_by_role("heading", name="These pages are for administrators.")).to_be_visible()
        good(window, "admin-refused")
        window.page.get_by_role("link", name="My sessions").click()
    expect(window.page.get_by_role("heading", name="My sessions")).to_be_visible()


def test_who_is_signed_out_signs_in_and_comes_back(visit: Visit) -> None:
    window = visit()
    window.page.goto("/admin/audit?actor=demo")
    window.page.wait_for_url(re.compile("/sign-in"))
    assert "next=%2Fadmin%2Faudit%3Factor%3Ddemo" in window.page.url


def test_the_overview(visit: Visit, good: Good, desktop: Callable[[], str]) -> None:
    desktop()
    window = visit("admin")
    sizes: list[int] = []
    window.page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    window.page.goto("/admin")
    page = window.page
    expect(page.locator("#live .sentence")).to_contain_text("The node takes new sessions.")
    expect(page.locator("#n-local")).to_contain_text("Active")
    expect(page.locator("[data-chart=sessions] canvas")).to_be_visible()
    expect(page.locator("[data-chart=start] canvas")).to_be_visible()
    assert sum(sizes) <= LIMIT, f"the overview loads {sum(sizes)} bytes"
    page.locator("[data-chart=sessions] summary").click()
    expect(page.locator("[data-chart=sessions] table")).to_be_visible()
    page.locator("[data-chart=sessions] summary").click()
    good(window, "8-admin-overview")
    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")


def test_cordon_and_let_work_again(visit: Visit, good: Good, admin: ApiCaller, active_node: None) -> None:
    window = visit("admin")
    page = window.page
    page.goto("/admin")
    page.locator("#n-local [popovertarget]").click()
    page.get_by_role("menuitem", name="Cordon").click()
    expect(page.locator("dialog[open]")).to_contain_text("Cordon local?")
    good(window, "admin-cordon")
    page.get_by_label("Why").fill("New disks")
    answer_dialog(page, "Cordon local")
    expect(page.locator("#n-local")).to_contain_text("Cordoned")
    expect(page.locator("#n-local")).to_contain_text("New disks")
    assert admin.get("/nodes/local").json()["wanted"] == "cordoned"
    page.locator("#n-local a").first.click()
    expect(page.get_by_role("heading", name="local", level=1)).to_be_visible()
    good(window, "admin-node")
    page.get_by_role("button", name="Take new sessions again").click()
    expect(page.locator("#live .state-line")).to_contain_text("Active", timeout=10_000)
    assert admin.get("/nodes/local").json()["wanted"] == "active"


def test_labels_by_keyboard_alone(visit: Visit, admin: ApiCaller) -> None:
    window = visit("admin")
    page = window.page
    page.goto("/admin/nodes")
    page.locator("#n-local [popovertarget]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Cordon")).to_be_focused()
    page.keyboard.press("L")
    expect(page.get_by_role("menuitem", name="Labels and taints…")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_contain_text("Labels and taints of local")
    field = page.get_by_label("Labels", exact=True)
    field.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nbench=7")
    page.locator("dialog[open]").get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert admin.get("/nodes/local").json()["labels"]["bench"] == "7"
    assert admin.request("PATCH", "/nodes/local", json={"labels": {"bench": None}}).status_code == 200


def test_what_if_and_another_policy(visit: Visit, good: Good, admin: ApiCaller) -> None:
    before = admin.get("/scheduler/policy").json()
    window = visit("admin")
    page = window.page
    page.goto("/admin/scheduler")
    page.get_by_label("Environment").select_option("desktop")
    page.get_by_label("For whom").fill("demo")
    page.get_by_role("button", name="Explain").click()
    told = admin.post("/scheduler/explain", {"environment": "desktop", "username": "demo"}).json()
    words = "It would start at once on node local" if told["placement"] else "It would wait"
    expect(page.locator("#what-if")).to_contain_text(words)
    expect(page.locator("#what-if tbody tr")).to_have_count(1)
    good(window, "9-admin-what-if")
    page.get_by_label("Memory").first.fill("-3")
    with window.tolerating("status of 422"):
        page.get_by_role("button", name="Put it in force").click()
        expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    good(window, "admin-policy-refused")
    page.get_by_label("Memory").first.fill("2")
    page.get_by_role("radio", name="Pack").check()
    page.get_by_role("button", name="Put it in force").click()
    expect(page.get_by_role("status").first).to_contain_text("The policy is in force")
    now = admin.get("/scheduler/policy").json()
    assert (now["strategy"], now["weights"]["memory"]) == ("pack", 2.0)
    back = {name: value for name, value in before.items() if name != "revision"}
    assert admin.put("/scheduler/policy", back).status_code == 200


def test_a_session_is_looked_into_and_stopped_with_a_reason(
    visit: Visit, good: Good, admin: ApiCaller, mara: ApiCaller
) -> None:
    name = mara.start("desktop", title="Beam dump, 7")["id"]
    mara.wait_state(name, "running", within=90)
    window, hers = visit("admin"), visit("mara")
    hers.open(name)
    hers.wait_desktop()
    page = window.page
    page.goto("/admin/sessions")
    page.get_by_label("Owner").fill("mara")
    expect(page).to_have_url(re.compile(r"owner=mara"))
    expect(page.locator(f"#s-{name}")).to_contain_text("Beam dump, 7")
    expect(page.locator(f"#s-{name}")).to_contain_text("Running")
    good(window, "admin-sessions")
    page.locator(f"#s-{name} a").first.click()
    expect(page.locator("#live")).to_contain_text("Mara Lee")
    expect(page.locator("#why")).to_contain_text("local")
    good(window, "admin-session")
    page.get_by_role("link", name="Stop…").click()
    expect(page.locator("dialog[open]")).to_contain_text("1 person")
    good(window, "admin-stop")
    page.locator("dialog[open]").get_by_label("Why").fill("The beam is off")
    answer_dialog(page, "Stop it for 1")
    assert "The beam is off" in mara.wait_state(name, "stopped", within=30)["end_reason"]
    expect(page.locator("#live")).to_contain_text("Ended", timeout=15_000)
    expect(hers.page.locator("body")).to_contain_text("The beam is off", timeout=15_000)
    mara.delete(f"/instances/{name}")


def test_environments_and_people(visit: Visit, good: Good, admin: ApiCaller) -> None:
    window = visit("admin")
    page = window.page
    page.goto("/admin/environments")
    expect(page.locator("#e-desktop")).to_contain_text("Everybody")
    good(window, "admin-environments")
    page.locator("#e-desktop [popovertarget]").click()
    page.get_by_role("menuitem", name="Who may start it…").click()
    page.get_by_label("Only these groups and people").check()
    page.get_by_label("People", exact=True).fill("admin")
    answer_dialog(page, "Save")
    expect(page.locator("#e-desktop")).to_contain_text("admin")
    assert admin.request("PATCH", "/environments/desktop", json={"allow": None}).status_code == 200
    page.goto("/admin/people")
    expect(page.locator("#p-demo")).to_contain_text("Demo")
    good(window, "admin-people")
    page.locator("#p-demo [popovertarget]").click()
    page.get_by_role("menuitem", name="Quota…").click()
    expect(page.locator("dialog[open]")).to_contain_text("Quota of Demo Scientist")
    good(window, "admin-quota")
    page.get_by_label("Her own").check()
    page.get_by_label("Sessions").fill("9")
    answer_dialog(page, "Save")
    expect(page.locator("#p-demo")).to_contain_text("of 9")
    assert admin.request("PATCH", "/people/demo", json={"quota": None}).status_code == 200


def test_the_audit_has_it_all(visit: Visit, good: Good) -> None:
    window = visit("admin")
    page = window.page
    page.goto("/admin/audit?actor=admin")
    table = page.locator("table.audit")
    for words in ("New disks", "The beam is off", "policy", "local"):
        expect(table).to_contain_text(words)
    good(window, "admin-audit")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV").click()
    text = download.value.path().read_text()
    assert text.splitlines()[0].startswith("id,at,actor,action")
    assert "The beam is off" in text


def test_pages_follow_by_themselves(visit: Visit, admin: ApiCaller, active_node: None) -> None:
    window = visit("admin")
    page = window.page
    page.goto("/admin/nodes")
    expect(page.locator("#n-local")).to_contain_text("Active")
    assert admin.request("PATCH", "/nodes/local", json={"state": "cordoned", "reason": "x"}).status_code == 200
    expect(page.locator("#n-local")).to_contain_text("Cordoned", timeout=15_000)


def test_the_essentials_work_without_script(visit: Visit, admin: ApiCaller, active_node: None) -> None:
    window = visit("admin")
    plain = window.context.browser
    assert plain is not None
    context = plain.new_context(base_url=window.url, java_script_enabled=False)
    context.add_cookies(window.context.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/admin/nodes?q=local")
    page.goto("/admin/nodes/local/cordon")
    page.get_by_label("Why").fill("By form")
    page.get_by_role("button", name="Cordon local").click()
    expect(page.get_by_role("heading", name="local", level=1)).to_be_visible()
    eventually(lambda: admin.get("/nodes/local").json()["wanted"] == "cordoned", within=5, what="the cordon")
    page.get_by_role("button", name="Take new sessions again").click()
    eventually(lambda: admin.get("/nodes/local").json()["wanted"] == "active", within=5, what="the end of the cordon")
    context.close()
