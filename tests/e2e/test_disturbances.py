"""Parts break while people work: pages come back by themselves, and no desktop ends."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import expect

from tests.e2e.test_first_session import open_terminal
from tests.support.api_caller import ApiCaller, Json
from tests.support.browser import Visitor
from tests.support.composed import Installation, docker
from tests.support.edge_viewer import EdgeViewer, enter
from tests.support.eventually import eventually

Visit = Callable[..., Visitor]
EXPECTED = ("WebSocket connection", "Failed to load resource", "status of 50[0-9]", "net::ERR")
SILENCE = 20.0


@pytest.fixture(autouse=True)
def _no_desktop_ended(demo: ApiCaller, desktop: Callable[[], str], installation: Installation) -> Iterator[None]:
    name = desktop()
    before = installation.instance(name)
    yield
    assert demo.instance(name)["state"] == "running"
    assert installation.instance(name) == before


def live_again(window: Visitor, *, within: float) -> float:
    """Waits until the page's picture is live; the monotonic time at which it was seen."""
    state = window.page.locator("#state")
    expect(state).to_contain_text("Connected", timeout=within * 1000)
    expect(window.page.locator("#over")).to_be_hidden(timeout=5000)
    return time.monotonic()


def test_the_proxy_is_killed(visit: Visit, installation: Installation, desktop: Callable[[], str]) -> None:
    window = visit("demo")
    window.open(desktop())
    open_terminal(window)
    with window.tolerating(*EXPECTED):
        before = window.live_sockets()[0]
        killed = time.monotonic()
        installation.kill("proxy")
        expect(window.page.locator("#over")).to_contain_text(re.compile("cut|does not answer"), timeout=5000)
        window.picture("6-cut")
        back = live_again(window, within=30)
        print(f"proxy killed to picture live again: {back - killed:.2f} s")
        assert before.is_closed()
        assert len(window.live_sockets()) == 1
        # the same desktop with the same terminal, and it hears keys
        window.focus_desktop()
        window.type_line("touch ~/after-the-proxy")
        eventually(lambda: installation.home_file("demo", "after-the-proxy") is not None, within=10, what="the file")
        installation.wait_ready()


def test_twenty_seconds_of_silence(visit: Visit, installation: Installation, desktop: Callable[[], str]) -> None:
    window = visit("demo")
    window.open(desktop())
    open_terminal(window)
    with window.tolerating(*EXPECTED):
        paused = time.monotonic()
        installation.pause("edge")
        try:
            expect(window.page.locator("#over")).to_contain_text("Your desktop keeps running", timeout=15000)
            print(f"silence noticed by the page after {time.monotonic() - paused:.1f} s")
            window.page.wait_for_timeout(max(0.0, SILENCE - (time.monotonic() - paused)) * 1000)
        finally:
            installation.unpause("edge")
        unpaused = time.monotonic()
        print(f"network back to picture live again: {live_again(window, within=20) - unpaused:.2f} s")
        window.focus_desktop()
        window.type_line("touch ~/after-the-silence")
        eventually(lambda: installation.home_file("demo", "after-the-silence") is not None, within=10, what="the file")


def test_signing_out_closes_the_desktop_in_another_tab(
    visit: Visit, demo: ApiCaller, desktop: Callable[[], str]
) -> None:
    window = visit("demo", fresh=True)
    window.open(desktop())
    window.wait_desktop()
    with window.tolerating("status of 401", "WebSocket connection"):
        other = window.context.new_page()
        other.goto("/")
        other.get_by_role("button", name="Demo Scientist").click()
        signed_out = time.monotonic()
        other.get_by_role("menuitem", name="Sign out").click()
        expect(other).to_have_url(re.compile("/sign-in"))
        shown = window.page.get_by_text("You are signed out").or_(window.page.get_by_role("button", name="Sign in"))
        expect(shown.first).to_be_visible(timeout=5000)
        print(f"sign-out to the desktop page saying so: {time.monotonic() - signed_out:.2f} s")
        assert not window.live_sockets()
        assert window.context.request.get(f"{window.url}/api/v1/me").status == 401
    assert demo.get("/me").status_code == 200, "another sign-in of the same person ended as well"


def without_moving_parts(instances: list[Json]) -> list[Json]:
    """Instances without what changes by itself."""
    still = (
        "id",
        "owner",
        "environment",
        "title",
        "state",
        "created_at",
        "running_at",
        "ended_at",
        "end_reason",
        "error",
    )
    shares = [[(s["username"], s["mode"]) for s in i["shares"]] for i in instances]
    rows = [{key: i[key] for key in still} | {"shares": s} for i, s in zip(instances, shares, strict=True)]
    return sorted(rows, key=lambda row: str(row["id"]))


def test_the_data_of_redis_is_lost(
    visit: Visit, installation: Installation, demo: ApiCaller, mara: ApiCaller, desktop: Callable[[], str]
) -> None:
    name = desktop()
    assert demo.put(f"/instances/{name}/shares/mara", {"mode": "view"}).status_code == 200
    assert demo.request("PATCH", f"/instances/{name}", json={"title": "Kept through a loss"}).status_code == 200
    before = without_moving_parts(demo.instances())
    window = visit("demo")
    window.open(name)
    window.wait_desktop()
    time.sleep(1.5)  # a durable fact may be lost when it is younger than a second
    with enter(demo, name) as viewer, window.tolerating(*EXPECTED):
        page_socket = window.live_sockets()[0]
        frames = Frames(viewer)
        frames.start()
        lost = time.monotonic()
        assert installation.redis().flushall()

        def there_again() -> bool:
            try:
                mine, hers = demo.get("/instances"), mara.get("/instances")
            except requests.RequestException:
                return False
            if mine.status_code != 200 or hers.status_code != 200:
                return False
            return without_moving_parts(mine.json()["items"]) == before and name in {
                i["id"] for i in hers.json()["items"]
            }

        eventually(there_again, within=15, what="everything to be there again", pause=0.2)
        print(f"Redis' data lost to everything there again: {time.monotonic() - lost:.1f} s")
        # a start works again, and so does a new connection
        eventually(
            lambda: demo.post(f"/instances/{name}/connections", {"mode": "view"}).status_code == 201,
            within=10,
            what="a ticket",
        )
        longest = frames.stop()
        print(f"longest wait for a frame while the data was lost and restored: {longest:.2f} s")
        assert longest < 3.0
        assert viewer.closed_at is None
        eventually(
            lambda: {c["username"] for c in demo.get(f"/instances/{name}/connections").json()["items"]} == {"demo"},
            within=15, what="the leases to be written again",
        )  # fmt: skip
        assert not page_socket.is_closed()
    demo.delete(f"/instances/{name}/shares/mara")


class Frames(threading.Thread):
    """Asks for the whole screen again and again, and remembers the longest wait."""

    def __init__(self, viewer: EdgeViewer) -> None:
        super().__init__(daemon=True)
        self._viewer, self._ended, self._longest, self._error = viewer, threading.Event(), 0.0, ""

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                asked = time.monotonic()
                self._viewer.rfb.wait_frame(timeout=20)
                self._longest = max(self._longest, time.monotonic() - asked)
                self._ended.wait(0.1)
        except Exception as error:  # noqa: BLE001 - told by stop()
            self._error = repr(error)

    def stop(self) -> float:
        """Ends, and gives the longest wait in seconds."""
        self._ended.set()
        self.join(25)
        assert not self._error, f"the desktop's bytes stopped: {self._error}"
        return self._longest


def test_the_controller_is_killed_in_the_middle_of_a_start(installation: Installation, demo: ApiCaller) -> None:
    started = [demo.start("desktop", title=f"Interrupted {number}")["id"] for number in range(2)]
    demo.wait_state(started[0], "placed", "pulling", "starting", "running", within=20)
    installation.kill("controller")
    for name in started:
        demo.wait_state(name, "running", within=90)
        found = docker("ps", "--all", "--quiet", "--filter", f"label=org.asci.instance={name}").split()
        assert len(found) == 1, f"{name} has {len(found)} containers"
    installation.wait_ready()
    for name in started:
        demo.stop(name)
        assert installation.instance(name) is None


@pytest.mark.parametrize("role", ["api", "webui", "redis"])
def test_services_that_carry_no_bytes_are_killed(
    visit: Visit, installation: Installation, demo: ApiCaller, desktop: Callable[[], str], role: str
) -> None:
    name = desktop()
    window = visit("demo")
    window.open(name)
    window.wait_desktop()
    with window.tolerating(*EXPECTED), enter(demo, name) as viewer:
        page_socket = window.live_sockets()[0]
        frames = Frames(viewer)
        frames.start()
        killed = time.monotonic()
        installation.kill(role)
        window.page.wait_for_timeout(2000)
        installation.wait_ready()
        eventually(lambda: demo.get("/me").status_code == 200, within=10, what="the API")
        print(f"{role} killed to ready: {time.monotonic() - killed:.1f} s")
        assert frames.stop() < 3.0
        assert viewer.closed_at is None
        assert not page_socket.is_closed()
