"""More starts at once than the nodes can hold: none is lost, none doubled, the rest waits and is served.

ASCI_TEST_STARTS says how many (40); the contract's 500 on nodes that hold 300 are ``make test-many``, some ten minutes
on two cores.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chaos.conftest import Live, wait_environment
from tests.support.api_caller import ApiCaller
from tests.support.composed import Installation, docker
from tests.support.eventually import eventually
from tests.support.lab import Lab

STARTS = int(os.environ.get("ASCI_TEST_STARTS", "40"))
PLACES = STARTS * 3 // 5
NODES = ("node2", "gpu-1")
SECONDS_EACH = 4.0
"""Time that a start or an end may take on a busy machine of two cores, one after the other."""


@pytest.fixture
def places(lab: Lab, demo: ApiCaller, admin: ApiCaller, installation: Installation) -> Iterator[int]:
    """An environment of a small part of a core, and nodes that hold as many of it as PLACES says, and no more."""
    cores = float(docker("info", "--format", "{{.NCPU}}"))
    each = max(0.01, round(cores / PLACES, 2))
    lab.add_tiny({"name": "tiny", "needs": {"cpus": each, "memory": "16 MiB", "shm": "1 MiB", "selector": "rack"}})
    wait_environment(demo, "tiny")
    taken = {name: admin.get(f"/nodes/{name}").json()["allocated"]["cpus"] for name in NODES}
    for name in lab.nodes():
        if name not in NODES:
            admin.request("PATCH", f"/nodes/{name}", json={"state": "cordoned"})
    for name in NODES:
        room = (taken[name] + PLACES / len(NODES) * each + each / 2) / cores
        change = {"overcommit": {"cpus": round(room, 5), "memory": 4.0}}
        answer = admin.request("PATCH", f"/nodes/{name}", json=change)
        assert answer.status_code == 200, answer.text
    yield PLACES
    for name in NODES:
        admin.request("PATCH", f"/nodes/{name}", json={"overcommit": {"cpus": 4.0, "memory": 1.5}})


def mine(demo: ApiCaller, ids: set[str]) -> dict[str, str]:
    """State by id, of those that were asked for."""
    found: dict[str, str] = {}
    cursor = ""
    while True:
        answer = demo.get("/instances", params={"limit": 200, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found |= {one["id"]: one["state"] for one in page["items"] if one["id"] in ids}
        cursor = page.get("next_cursor") or page.get("cursor") or ""
        if not cursor:
            return found


def on_nodes(lab: Lab, ids: set[str]) -> Counter[str]:
    """How many containers each of them has on all nodes."""
    return Counter(one for name in ("local", *lab.nodes()) for one in lab.instances_on(name) if one in ids)


def test_more_starts_than_places(live: Live, lab: Lab, demo: ApiCaller, places: int) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(16) as crowd:
        ids = set(crowd.map(lambda _: str(demo.start("tiny")["id"]), range(STARTS)))
    assert len(ids) == STARTS
    print(f"{STARTS} starts accepted in {time.monotonic() - began:.1f} s")

    def full() -> bool:
        states = Counter(mine(demo, ids).values())
        return states["running"] == places and states["queued"] == STARTS - places

    eventually(full, within=places * SECONDS_EACH, what=f"{places} to run and the rest to wait", pause=1.0)
    print(f"{places} of {STARTS} running after {time.monotonic() - began:.1f} s")
    states = mine(demo, ids)
    assert set(states) == ids, "an instance was lost"
    running = {name for name, state in states.items() if state == "running"}
    assert on_nodes(lab, ids) == Counter(running), "one has no container, or more than one, or runs while it waits"
    live.assert_flow("many starts")
    # places become free: those that waited get them, and the rest goes on
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda name: demo.delete(f"/instances/{name}"), sorted(running)))

    def served() -> bool:
        states = mine(demo, ids)
        return all(states[name] == "stopped" for name in running) and all(
            state == "running" for name, state in states.items() if name not in running
        )

    eventually(served, within=STARTS * SECONDS_EACH, what="those that waited to run", pause=1.0)
    rest = ids - running
    assert on_nodes(lab, ids) == Counter(rest)
    print(f"all served after {time.monotonic() - began:.1f} s")
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda name: demo.delete(f"/instances/{name}"), sorted(rest)))
    eventually(lambda: not on_nodes(lab, ids), within=STARTS * SECONDS_EACH, what="the nodes to be empty", pause=1.0)
