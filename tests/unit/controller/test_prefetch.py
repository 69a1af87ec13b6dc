"""Images on nodes before anybody asks: which, where, and what a failure means."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from asci_api.domain.environment import Environment
from asci_api.domain.errors import PullFailed
from asci_api.domain.identity import NodeName
from asci_api.domain.instance import Placement, State
from asci_api.domain.node import Node, NodeImage, NodeState, Resources, Taint
from asci_api.domain.policy import Policy
from asci_api.loops.prefetcher import FIRST_PAUSE, Prefetcher
from asci_api.work.prefetch_images import Errand, errands
from tests.support.controller_room import Room
from tests.support.people import DESKTOP, queued

SOURCE = "lab:5000/asci/env-desktop@sha256:7"
PINNED = replace(DESKTOP, source=SOURCE)
LOCAL = NodeName("local")
ERRAND = Errand(LOCAL, "desktop", SOURCE)


def node(name: str, **facts: object) -> Node:
    plain = Node(NodeName(name), "tcp://x", NodeState.ACTIVE, Resources(8.0, 64 * 1024**3), last_seen=1.0)
    return replace(plain, **facts)  # type: ignore[arg-type]


NODES = [
    node("bare"),
    node("has", images=(NodeImage("sha256:other-store", (), 1, "{}", SOURCE),)),
    node("down", state=NodeState.DOWN),
    node("cordoned", state=NodeState.CORDONED),
    node("online", taints=(Taint("online"),), labels={"online": ""}),
    node("small", capacity=Resources(8.0, 1024**3)),
    node("busy"),
]


@pytest.mark.parametrize(
    ("environment", "where"),
    [
        (PINNED, ["bare"]),
        (replace(PINNED, needs=replace(DESKTOP.needs, selector="online")), ["online"]),
        (replace(PINNED, needs=replace(DESKTOP.needs, selector="a b c")), []),
        (replace(PINNED, enabled=False), []),
        (replace(PINNED, source="asci/env-desktop:dev"), []),
        (replace(PINNED, source=""), []),
    ],
)
def test_eligible_nodes_that_lack_the_image_fetch_it(environment: Environment, where: list[str]) -> None:
    waits = queued(state=State.PULLING, placement=Placement(NodeName("busy")))
    found = errands(NODES, [environment], [waits], Policy(memory_overcommit=1.0))
    assert [errand.node for errand in found] == where


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_one_at_a_time_for_each_node_and_the_home_s_image_with_it(room: Room) -> None:
    image = NodeImage("sha256:seven", (), 1, "{}", SOURCE)
    home = NodeImage("sha256:home", ("lab:5000/asci/base:dev",), 1)
    room.engine.registry += [image, home]
    room.desk = replace(room.desk, home_image=home.tags[0])
    goes_on = threading.Event()
    room.engine.upon("pull", lambda: goes_on.wait(10))
    prefetcher = Prefetcher(room.desk)
    for _ in range(3):
        prefetcher.take([ERRAND, Errand(LOCAL, "other", "lab:5000/x@sha256:8")])
    goes_on.set()
    until(lambda: room.engine.pulled == [home.tags[0], SOURCE])
    prefetcher.close()
    assert [name for name, _ in room.engine.calls].count("pull") == 2


def test_what_failed_is_put_off_and_tried_again_later(room: Room) -> None:
    room.engine.fail("pull", PullFailed("The registry does not answer.", "refused", "Later."), times=2)
    room.engine.registry.append(NodeImage("sha256:seven", (), 1, "{}", SOURCE))
    prefetcher = Prefetcher(room.desk)

    def tries() -> int:
        return [name for name, _ in room.engine.calls].count("pull")

    for expected, wait in ((1, 0.0), (1, FIRST_PAUSE - 1), (2, 2.0), (2, FIRST_PAUSE), (3, FIRST_PAUSE + 1)):
        room.store.clock.advance(wait)
        until(lambda: not prefetcher._busy)
        prefetcher.take([ERRAND])
        until(lambda: not prefetcher._busy)
        assert tries() == expected
    assert room.engine.pulled == [SOURCE]
    prefetcher.close()


def test_who_does_not_lead_fetches_nothing(room: Room) -> None:
    room.leading = False
    prefetcher = Prefetcher(room.desk)
    prefetcher.take([ERRAND])
    until(lambda: not prefetcher._busy)
    prefetcher.close()
    prefetcher.take([ERRAND])
    assert room.engine.calls == []
