"""Nodes, engines, disks, the registry break while people work: each loses what was on it at most, and nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.conftest import Live, wait_environment
from tests.support.api_caller import ApiCaller
from tests.support.composed import Installation, docker
from tests.support.eventually import eventually
from tests.support.lab import Lab

LOST_WITHIN = 20.0
"""The contract says 15 s; the rest is for a busy machine."""
ENDED = ("stopped", "failed")


def node(admin: ApiCaller, name: str) -> dict[str, Any]:
    answer = admin.get(f"/nodes/{name}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def wait_node(admin: ApiCaller, name: str, *states: str, within: float = 30.0) -> dict[str, Any]:
    """The node once it is in one of these states."""

    def look() -> dict[str, Any] | None:
        seen = node(admin, name)
        return seen if seen["state"] in states else None

    return eventually(look, within=within, what=f"node {name} to be {' or '.join(states)}")


def why(instance: dict[str, Any]) -> str:
    """All that an instance says about its end or state."""
    return " ".join(str(instance.get(key) or "") for key in ("end_reason", "error", "queue"))


def modes(admin: ApiCaller, name: str) -> list[str]:
    """How each GPU of a node is used."""
    return [gpu["mode"] for gpu in node(admin, name)["gpus"]]


def test_an_engine_dies_and_desktops_on_its_node_go_on(live: Live, lab: Lab, demo: ApiCaller, admin: ApiCaller) -> None:
    name = live.desktops["node2"]
    began = time.monotonic()
    lab.kill_engine("node2")
    try:
        lost = demo.wait_state(name, "lost", within=LOST_WITHIN)
        print(f"engine killed to lost: {time.monotonic() - began:.1f} s")
        assert "node2" in why(lost)
        wait_node(admin, "node2", "down")
        live.assert_flow("the engine of its node is dead")
        assert demo.instance(live.desktops["local"])["state"] == "running"
    finally:
        lab.start_engine("node2")
    back = time.monotonic()
    demo.wait_state(name, "running", within=20)
    print(f"engine back to adopted: {time.monotonic() - back:.1f} s")
    wait_node(admin, "node2", "active")


@pytest.fixture
def card(running: Callable[[str], str]) -> str:
    """A desktop that has both GPUs of gpu-1 for itself."""
    return running("card")


def test_a_node_dies_and_its_cards_stay_reserved_until_it_is_back(
    live: Live, lab: Lab, demo: ApiCaller, admin: ApiCaller, card: str
) -> None:
    assert modes(admin, "gpu-1") == ["exclusive", "exclusive"]
    lab.kill_node("gpu-1")
    try:
        wait_node(admin, "gpu-1", "down")
        demo.wait_state(card, "lost", within=LOST_WITHIN)
        # its end is not known: the cards may still be at work
        assert modes(admin, "gpu-1") == ["exclusive", "exclusive"]
        waiting = demo.start("card")["id"]
        queued = demo.wait_state(waiting, "queued")
        assert queued["queue"], "a queued instance tells its place"
        live.assert_flow("another node is dead")
    finally:
        lab.start_node("gpu-1")
    wait_node(admin, "gpu-1", "active")
    ended = demo.wait_state(card, *ENDED, within=30)
    assert why(ended).strip(), "an end without a reason"
    # the cards are free, and whoever waited gets them
    demo.wait_state(waiting, "running", within=60)
    assert modes(admin, "gpu-1") == ["exclusive", "exclusive"]
    assert lab.instances_on("gpu-1") == [waiting]
    demo.stop(waiting)


def test_a_node_that_is_declared_gone_gives_its_cards_back(
    live: Live, lab: Lab, demo: ApiCaller, admin: ApiCaller, card: str
) -> None:
    assert admin.request("PATCH", "/nodes/gpu-1", json={"gone": True}).status_code == 409, "it answers: it is not gone"
    lab.kill_node("gpu-1")
    try:
        wait_node(admin, "gpu-1", "down")
        reason = "The machine burned down."
        answer = admin.request("PATCH", "/nodes/gpu-1", json={"gone": True, "reason": reason})
        assert answer.status_code == 200, answer.text
        ended = demo.wait_state(card, *ENDED, within=20)
        assert reason in why(ended)
        # the snapshot follows within a moment
        eventually(lambda: modes(admin, "gpu-1") == ["free", "free"], within=10, what="the cards to be free")
    finally:
        lab.start_node("gpu-1")
    admin.request("PATCH", "/nodes/gpu-1", json={"gone": False})
    wait_node(admin, "gpu-1", "active")
    # nothing of what was declared ended comes to life again
    eventually(lambda: lab.instances_on("gpu-1") == [], within=30, what="the node to be empty")
    assert demo.instance(card)["state"] in ENDED


def test_a_container_is_killed_behind_our_back(
    live: Live, lab: Lab, demo: ApiCaller, installation: Installation
) -> None:
    victim = demo.start("far")["id"]
    demo.wait_state(victim, "running", within=60)
    lab.on("node2", "kill", f"asci-{installation.name}-{victim}")
    ended = demo.wait_state(victim, *ENDED, within=20)
    assert why(ended).strip(), "an end without a reason"
    assert "137" in why(ended) or "kill" in why(ended).lower(), why(ended)
    live.assert_flow("a neighbour was killed")


def test_the_registry_is_gone(live: Live, lab: Lab, demo: ApiCaller) -> None:
    """What is on a node starts; what is not says so; both without harm to what runs. Then it is back."""
    lab.add_tiny(
        {"name": "unpulled", "needs": {"cpus": 0.05, "memory": "32 MiB", "selector": "rack in (node2, gpu-1)"}}
    )
    wait_environment(demo, "unpulled")
    docker("kill", lab.container("registry"))
    try:
        there = demo.start("far")["id"]
        demo.wait_state(there, "running", within=60)
        wanted = demo.start("unpulled")["id"]
        said = demo.wait_state(wanted, "failed", "running", within=90)
        # the nodes may have it already: environments are fetched ahead of the first start
        assert said["state"] == "running" or "image" in why(said).lower(), why(said)
        live.assert_flow("the registry is gone")
        demo.stop(there)
    finally:
        docker("start", lab.container("registry"))
    if said["state"] == "running":
        demo.stop(wanted)
    again = demo.start("unpulled")["id"]
    demo.wait_state(again, "running", within=60)
    demo.stop(again)


@pytest.fixture
def small_node(lab: Lab, admin: ApiCaller) -> str:
    """A node whose disk is small."""
    lab.add_small_node("small", "128m")
    wait_node_known(admin, "small")
    return "small"


def wait_node_known(admin: ApiCaller, name: str) -> None:
    def known() -> bool:
        answer = admin.get(f"/nodes/{name}")
        return answer.status_code == 200 and answer.json()["state"] == "active"

    eventually(known, within=30, what=f"node {name} to be registered and active")


def start_until_running(demo: ApiCaller, environment: str) -> str:
    """As a person who reads that there was no room: again. An image that is being fetched ahead may fill the disk for
    a moment."""

    def once() -> str:
        name = str(demo.start(environment)["id"])
        ended = demo.wait_state(name, "running", *ENDED, within=60)
        assert ended["state"] == "running" or "no space left" in why(ended), why(ended)
        return name if ended["state"] == "running" else ""

    return eventually(once, within=90, what=f"{environment} to run", pause=2.0)


def test_a_disk_is_full_and_starts_move_on(
    live: Live, lab: Lab, demo: ApiCaller, admin: ApiCaller, small_node: str
) -> None:
    """What runs on the node goes on; what would need its disk starts elsewhere; once there is room it is used again."""
    needs = {"cpus": 0.05, "memory": "32 MiB"}
    lab.add_tiny({"name": "first", "needs": needs | {"selector": "rack=small"}})
    lab.add_tiny({"name": "second", "needs": needs | {"selector": "rack in (small, node2)"}}, {"/more": "x" * 4096})
    for name in ("first", "second"):
        wait_environment(demo, name)
    there = start_until_running(demo, "first")
    before = lab.alive("small", there)
    # the other node would be chosen otherwise
    assert admin.request("PATCH", "/nodes/node2", json={"overcommit": {"cpus": 0.6, "memory": 1.0}}).status_code == 200
    lab.fill_disk("small")
    try:
        moved = [demo.start("second")["id"] for _ in range(3)]
        for name in moved:
            assert demo.wait_state(name, "running", within=90)["node"] == "node2"
        assert lab.alive("small", there) == before
        assert demo.instance(there)["state"] == "running"
        live.assert_flow("a disk is full")
    finally:
        lab.free_disk("small")
        admin.request("PATCH", "/nodes/node2", json={"overcommit": {"cpus": 4.0, "memory": 1.5}})
    again = start_until_running(demo, "first")
    for name in (*moved, there, again):
        demo.stop(name)


def test_a_drained_node_ends_its_sessions_with_the_reason_at_the_deadline(
    live: Live, lab: Lab, demo: ApiCaller, admin: ApiCaller, card: str
) -> None:
    """Its people are told; what is not on it does not notice; when it is empty nothing new goes there."""
    deadline = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
    order = {"state": "draining", "deadline": deadline, "reason": "New cooling."}
    assert admin.request("PATCH", "/nodes/gpu-1", json=order).status_code == 200
    ended = demo.wait_state(card, *ENDED, within=60)
    assert "New cooling." in why(ended)
    assert node(admin, "gpu-1")["state"] == "draining"
    waiting = demo.start("card")["id"]
    demo.wait_state(waiting, "queued")
    assert admin.request("PATCH", "/nodes/gpu-1", json={"state": "active"}).status_code == 200
    demo.wait_state(waiting, "running", within=60)
    demo.stop(waiting)
    assert lab.instances_on("gpu-1") == []
