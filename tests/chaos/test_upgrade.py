"""``make upgrade`` under live desktops: they and their programs never notice; viewers come back once."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.chaos.conftest import Live
from tests.support import browser as browsers
from tests.support.api_caller import ApiCaller
from tests.support.browser import Visitor
from tests.support.composed import Installation, docker
from tests.support.eventually import eventually
from tests.support.lab import Lab
from tests.support.secrets_seen import SecretsSeen

PLANE = ("redis", "controller", "api", "webui", "adminui", "proxy")
EXPECTED = ("WebSocket connection", "Failed to load resource", "status of 50[0-9]", "net::ERR")
COUNT = "n=0; while :; do n=$((n + 1)); echo $n >>/home/demo/counted; sleep 0.2; done"
WATCH = """
window.announced = [];
new MutationObserver(() => window.announced.push(document.querySelector('#over')?.innerText ?? ''))
    .observe(document.querySelector('#over'), {childList: true, subtree: true, characterData: true, attributes: true});
"""


@pytest.fixture
def window(installation: Installation, secrets_seen: SecretsSeen) -> Iterator[Visitor]:
    """demo before her browser."""
    with sync_playwright() as playwright:
        chromium = browsers.launch(playwright)
        visitor = Visitor(chromium, installation.url, secrets_seen)
        visitor.sign_in("demo", installation.password("demo"))
        yield visitor
        complaints = list(visitor.complaints)
        chromium.close()
    assert not complaints, "\n".join(complaints)


class Upgrade(threading.Thread):
    """``scripts/upgrade`` beside the test."""

    def __init__(self, installation: Installation, *options: str) -> None:
        super().__init__(daemon=True)
        self._installation, self._options = installation, options
        self.said = ""
        self.wrong: BaseException | None = None

    def run(self) -> None:
        try:
            self.said = self._installation.script("upgrade", "--no-build", *self._options)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            self.wrong = error


def finish(upgrade: Upgrade, window: Visitor) -> None:
    """Until it is through; the page lives on meanwhile."""
    upgrade.start()
    deadline = time.monotonic() + 200
    while upgrade.is_alive() and time.monotonic() < deadline:
        window.page.wait_for_timeout(200)
    if upgrade.wrong is not None:
        raise upgrade.wrong
    assert not upgrade.is_alive()


def desktops_opened(window: Visitor) -> int:
    """How many connections to the desktop the page has made since it was opened."""
    return len([socket for socket in window.sockets if "/connect/" in socket.url and "/events" not in socket.url])


def lines(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()]


def counts_on(file: Path) -> bool:
    """Whether the program that counts is alive."""
    before = len(lines(file))
    return eventually(lambda: len(lines(file)) > before + 2, within=10, what="the program to count on")


def live_again(window: Visitor) -> None:
    eventually(lambda: len(window.live_sockets()) == 1, within=30, what="one live connection of the page")
    eventually(window.page.locator("#over").is_hidden, within=10, what="the notice to go")


def test_every_service_is_replaced_and_desktops_never_notice(
    live: Live, lab: Lab, installation: Installation, demo: ApiCaller, window: Visitor
) -> None:
    name = live.desktops["node2"]
    container = live.lives["node2"].container
    lab.on("node2", "exec", "--detach", container, "sh", "-c", COUNT)
    counted = installation.state / "homes" / "demo" / "counted"
    eventually(counted.exists, within=10, what="the program's file")
    window.open(name)
    eventually(lambda: len(window.live_sockets()) == 1, within=60, what="the page's connection")
    window.wait_desktop()
    window.evaluate(WATCH)
    before = {role: installation.service(role) for role in PLANE}
    edge = installation.service("edge")
    upgrade = Upgrade(installation, "--all")
    with window.tolerating(*EXPECTED):
        finish(upgrade, window)
        live_again(window)
        after = {role: installation.service(role) for role in PLANE}
        assert not set(before.values()) & set(after.values()), upgrade.said
        assert installation.service("edge") == edge
        assert "Reload the edge" in upgrade.said
        # one new proxy: one new connection, and the page said why
        assert desktops_opened(window) == 2
        announced = [str(words) for words in window.evaluate("window.announced")]
        assert any("ASCI was updated" in words for words in announced), sorted(set(announced))
    assert counts_on(counted)
    assert lines(counted) == list(range(1, len(lines(counted)) + 1))
    live.assert_nothing_ended()
    live.forget_streams()


def test_a_changed_edge_is_replaced_and_viewers_come_back_once(
    live: Live, installation: Installation, window: Visitor, running: Callable[[str], str]
) -> None:
    """A changed setting counts as a change of every service: one new proxy, one new edge."""
    window.open(live.desktops["local"])
    eventually(lambda: len(window.live_sockets()) == 1, within=60, what="the page's connection")
    settings = installation.state / "settings.env"
    workers = 3 if "ASCI_EDGE_WORKERS=4" in settings.read_text() else 4
    settings.write_text(settings.read_text() + f"ASCI_EDGE_WORKERS={workers}\n")
    edge = installation.service("edge")
    with window.tolerating(*EXPECTED):
        finish(Upgrade(installation), window)
        live_again(window)
        assert installation.service("edge") != edge
        # a new proxy and a new edge
        assert desktops_opened(window) <= 3
        assert f"worker_processes {workers};" in docker(
            "exec", installation.service("edge"), "cat", "/tmp/edge/main.conf"
        )
    live.forget_streams()


def test_what_did_not_change_is_left_alone(live: Live, installation: Installation) -> None:
    roles = (*PLANE, "edge")
    before = {role: installation.service(role) for role in roles}
    said = installation.script("upgrade", "--no-build")
    assert {role: installation.service(role) for role in roles} == before
    assert "The api did not change." in said
    live.assert_flow("an upgrade of nothing")
