"""When a start fails, or the engine does: the hop, the cause and the next step in words, with a number to quote."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import People
from tests.support.api_caller import ApiCaller, Json
from tests.support.browser import Visitor
from tests.support.composed import Installation, docker, docker_bytes
from tests.support.edge_viewer import enter
from tests.support.eventually import eventually

Visit = Callable[..., Visitor]


@pytest.fixture(autouse=True)
def _nothing_else_is_left(demo: ApiCaller) -> Iterator[None]:
    yield
    for one in demo.instances():
        if one["state"] in {"queued", "failed"}:
            demo.delete(f"/instances/{one['id']}")


def failed_at(caller: ApiCaller, name: str, hop: str, *, within: float = 60.0) -> Json:
    """The error of an instance that failed, checked for what each one says."""
    error = caller.wait_state(name, "failed", within=within)["error"]
    assert error["hop"] == hop, error
    assert error["cause"].endswith(".")
    assert error["next_step"]
    assert re.fullmatch(r"[0-9a-f]{32}", error["request_id"])
    return dict(error)


def test_a_desktop_that_ends_while_starting(
    visit: Visit, installation: Installation, demo: ApiCaller, trial_environments: None
) -> None:
    window = visit("demo")
    name = window.start("broken")
    error = failed_at(demo, name, "container")
    assert "3" in error["cause"], "its exit code is missing"
    expect(window.page.locator("#room")).to_contain_text("did not start")
    expect(window.page.locator("#room")).to_contain_text(error["request_id"][:8])
    window.page.wait_for_timeout(200)
    window.picture("1-failed-session")
    assert installation.instance(name) is None
    log = demo.get(f"/instances/{name}/logs").json()
    assert log["from"] == "record"
    assert "no screen today" in "\n".join(log["lines"])
    # the request id leads from the page to the logs
    logs = b"".join(docker_bytes("logs", installation.service(role)) for role in ("edge", "api", "controller"))
    assert error["request_id"].encode() in logs


def test_what_never_fits_is_refused_at_once(visit: Visit, demo: ApiCaller, trial_environments: None) -> None:
    answer = demo.post("/instances", {"environment": "giant"})
    assert answer.status_code == 422
    document = answer.json()
    assert document["type"] == "/problems/never-fits"
    assert document["reasons"]
    window = visit("demo")
    with window.tolerating("status of 422"):
        window.page.goto("/")
        window.page.locator("#e-giant").get_by_role("button").click()
        expect(window.page.locator("#e-giant").get_by_role("alert")).to_contain_text(document["title"].rstrip("."))


def test_what_does_not_fit_now_waits_with_reasons(
    demo: ApiCaller, desktop: Callable[[], str], trial_environments: None
) -> None:
    desktop()
    name = demo.start("whole")["id"]
    waiting = demo.wait_state(name, "queued", within=10)
    eventually(lambda: demo.instance(name)["queue"], within=10, what="the reasons")
    waiting = demo.instance(name)
    assert waiting["queue"]["place"] == 1
    assert any("core" in reason for reason in waiting["queue"]["reasons"])
    demo.stop(name)


def test_an_image_that_is_gone(installation: Installation, demo: ApiCaller, trial_environments: None) -> None:
    """It was in the catalogue when it was started, and is deleted while the engine cannot be asked."""
    installation.engine.shut()
    try:
        name = demo.start("gone")["id"]
        docker("rmi", "--force", f"asci/env-gone-{installation.name}:test")
    finally:
        installation.engine.open()
    error = failed_at(demo, name, "image", within=90)
    assert "image" in error["cause"]


def test_the_engine_is_down(
    visit: Visit, installation: Installation, demo: ApiCaller, desktop: Callable[[], str]
) -> None:
    name = desktop()
    window = visit("demo")
    window.open(name)
    window.wait_desktop()
    with enter(demo, name) as viewer:
        page_socket = window.live_sockets()[0]
        installation.engine.shut()
        try:
            down = time.monotonic()
            waiting = demo.start("desktop", title="Asked while the engine was down")["id"]
            while time.monotonic() - down < 8:
                viewer.rfb.wait_frame()
                assert demo.get("/instances").status_code == 200
                time.sleep(0.5)
            assert demo.instance(name)["state"] in {"running", "lost"}
            assert demo.instance(waiting)["state"] in {"queued", "placed", "pulling", "starting", "failed"}
        finally:
            installation.engine.open()
        back = time.monotonic()
        demo.wait_state(name, "running", within=30)
        print(f"engine back to the session running again: {time.monotonic() - back:.1f} s")
        end = demo.wait_state(waiting, "running", "failed", within=60)
        print(f"what was asked meanwhile: {end['state']} {end['error'] or ''}")
        if end["state"] == "failed":
            assert end["error"]["hop"] == "node"
        assert viewer.closed_at is None
        assert not page_socket.is_closed()
        demo.stop(waiting)


def test_a_home_that_cannot_be_written(
    installation: Installation, people: People, calls: Callable[[str], ApiCaller]
) -> None:
    people.passwords["noor"] = installation.add_person("noor", "Noor Haddad")
    noor = calls("noor")
    me = noor.get("/me").json()
    home = installation.state / "homes" / "noor"
    home.mkdir(mode=0o755)  # root's: hers to read, not to write
    name = noor.start("desktop")["id"]
    # design: a desktop that says so beats none
    noor.wait_state(name, "running", within=60)
    log = eventually(
        lambda: [line for line in noor.get(f"/instances/{name}/logs").json()["lines"] if "not writable" in line],
        within=15, what="the log to say so",
    )  # fmt: skip
    assert log
    assert "lost when this session stops" in noor.get(f"/instances/{name}").json()["warning"]
    assert home.stat().st_uid != me["uid"]
    with enter(noor, name) as viewer:
        viewer.rfb.wait_frame()
    noor.stop(name)


def test_a_home_that_leads_elsewhere(
    installation: Installation, people: People, calls: Callable[[str], ApiCaller]
) -> None:
    people.passwords["lena"] = installation.add_person("lena", "Lena Ortiz")
    lena = calls("lena")
    (installation.state / "homes" / "lena").symlink_to("/nowhere-at-all")
    error = failed_at(lena, lena.start("desktop")["id"], "mount")
    assert "home" in error["cause"].lower()
