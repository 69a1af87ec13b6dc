"""Parts of the control plane die while people work on several nodes: nothing of theirs does."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests

from tests.chaos.conftest import Live
from tests.support.api_caller import ApiCaller
from tests.support.composed import Installation
from tests.support.edge_viewer import UpgradeRefused
from tests.support.eventually import eventually
from tests.support.rfb_client import RfbError

REDIS_AWAY = 30.0


def answers(caller: ApiCaller) -> bool:
    """Whether the API serves this person."""
    try:
        return caller.get("/instances").status_code == 200
    except requests.RequestException:
        return False


def all_ready(installation: Installation, caller: ApiCaller, began: float, what: str) -> None:
    installation.wait_ready()
    eventually(lambda: answers(caller), within=20, what="the API")
    print(f"{what} to ready again: {time.monotonic() - began:.1f} s")


def test_all_data_of_redis_is_lost(live: Live, installation: Installation, demo: ApiCaller, admin: ApiCaller) -> None:
    name = live.desktops["node2"]
    assert demo.request("PATCH", f"/instances/{name}", json={"title": "Kept through a loss"}).status_code == 200
    policy = admin.get("/scheduler/policy").json()
    nodes = {node["name"]: node["state"] for node in admin.get("/nodes").json()["items"]}
    time.sleep(1.5)  # a durable fact may be lost when it is younger than a second
    began = time.monotonic()
    assert installation.redis().flushall()

    def restored() -> bool:
        try:
            seen = demo.get(f"/instances/{name}")
            found = admin.get("/nodes")
        except requests.RequestException:
            return False
        if seen.status_code != 200 or found.status_code != 200:
            return False
        return (
            seen.json()["title"] == "Kept through a loss"
            and seen.json()["state"] == "running"
            and {node["name"]: node["state"] for node in found.json()["items"]} == nodes
        )

    eventually(restored, within=20, what="records and nodes to be there again", pause=0.2)
    print(f"Redis' data lost to everything there again: {time.monotonic() - began:.1f} s")
    assert admin.get("/scheduler/policy").json()["quotas"] == policy["quotas"]
    live.assert_flow("all data lost")


@pytest.mark.parametrize("role", ["api", "controller", "webui", "adminui", "redis"])
def test_a_service_that_carries_no_bytes_is_killed(
    live: Live, installation: Installation, demo: ApiCaller, role: str
) -> None:
    began = time.monotonic()
    installation.kill(role)
    time.sleep(1.0)
    all_ready(installation, demo, began, f"{role} killed")
    live.assert_flow(f"{role} killed")


def test_redis_is_away_for_half_a_minute(live: Live, installation: Installation, demo: ApiCaller) -> None:
    installation.stop("redis")
    began = time.monotonic()
    try:
        while time.monotonic() - began < REDIS_AWAY:
            live.assert_flow("Redis is away")
            time.sleep(2.0)
        assert not answers(demo), "the API answered without Redis"
    finally:
        installation.start("redis")
    all_ready(installation, demo, time.monotonic(), "Redis started")


def test_the_proxy_is_killed(live: Live, installation: Installation, demo: ApiCaller) -> None:
    """Its own streams end; with a new ticket each viewer is back, on the desktop that it left."""
    began = time.monotonic()
    installation.kill("proxy")
    for node in live.desktops:
        live.streams[node].wait_cut(within=10)
    for node in live.desktops:
        _come_back(live, node)
        print(f"proxy killed to a frame of {node} again: {time.monotonic() - began:.2f} s")
    all_ready(installation, demo, began, "proxy killed")


def _come_back(live: Live, node: str) -> None:
    """As a page does: asks again until there is a proxy."""

    def again() -> bool:
        try:
            live.watch_again(node).assert_flows("after the proxy")
        except (AssertionError, OSError, requests.RequestException, RfbError, UpgradeRefused):
            return False
        return True

    eventually(again, within=30, what=f"a viewer on {node} again", pause=0.1)


def test_the_controller_dies_while_sessions_start_and_end(
    live: Live, installation: Installation, demo: ApiCaller, running: Callable[[str], str]
) -> None:
    """Whoever leads next finishes what was begun: nothing doubled, nothing left over."""
    fresh = [demo.start(environment)["id"] for environment in ("here", "far", "far")]
    demo.wait_state(fresh[0], "placed", "pulling", "starting", "running", within=20)
    installation.kill("controller")
    for name in fresh:
        demo.wait_state(name, "running", within=90)
    demo.delete(f"/instances/{fresh[0]}")
    demo.delete(f"/instances/{fresh[1]}")
    installation.kill("controller")
    for name in fresh[:2]:
        demo.wait_state(name, "stopped", within=60)
    demo.stop(fresh[2])
    all_ready(installation, demo, time.monotonic(), "controller killed twice")
