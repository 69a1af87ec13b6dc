"""A term on several nodes: they come and go while it runs, and a slow one holds up nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from asci_api.domain.environment import GIB, Needs
from asci_api.domain.identity import NodeName
from asci_api.domain.instance import Placement, State
from asci_api.domain.node import Gpu, Load, Node, NodeImage, NodeState, Overcommit, Resources
from asci_api.domain.policy import Policy
from asci_api.loops.term import Term
from asci_api.work.sample_stats import PERIOD, Sampler, node_sample
from tests.support.controller_room import LOCAL, Room
from tests.support.fake_engine import FakeEngine
from tests.support.people import DESKTOP, queued

TWO = NodeName("node2")
IMAGE = NodeImage(DESKTOP.image_id, (DESKTOP.image,), 600_000_000, "{}")


def until(what: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for other threads; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def two(room: Room) -> FakeEngine:
    """A second node, not registered yet."""
    engine = FakeEngine(TWO, clock=room.store.clock, images=[IMAGE])
    engine._next = 100
    return engine


@pytest.fixture
def begin(room: Room) -> Iterator[Callable[[], None]]:
    fence = room.store.leadership.acquire()
    assert fence is not None
    store = room.store.fenced(fence)
    desk = replace(
        room.desk,
        instances=store.instances,
        cluster=store.cluster,
        overlays=store.overlays,
        stats=store.stats,
        audit=store.audit,
        leads=lambda: room.store.leadership.holds(fence),
    )
    term = Term(desk, fence, room.store.leadership, room.store.durable, room.store.wakes, lambda: None)
    yield term.begin
    term.end()


def states(room: Room) -> dict[str, NodeState]:
    return {node.name: node.state for node in room.store.cluster.nodes() or ()}


def test_nodes_come_and_go_while_the_term_runs(room: Room, two: FakeEngine, begin: Callable[[], None]) -> None:
    begin()
    until(lambda: states(room) == {LOCAL: NodeState.ACTIVE})
    room.engines.by_name[TWO] = two
    until(lambda: states(room) == {LOCAL: NodeState.ACTIVE, TWO: NodeState.ACTIVE})
    del room.engines.by_name[TWO]
    until(lambda: states(room) == {LOCAL: NodeState.ACTIVE})
    two.calls.clear()
    room.engine.calls.clear()
    room.engine.adds_image(replace(IMAGE, id="sha256:more"))
    until(lambda: ("facts", "") in room.engine.calls)
    assert two.calls == []


def test_a_slow_node_holds_up_nobody(room: Room, two: FakeEngine, begin: Callable[[], None]) -> None:
    room.engines.by_name[TWO] = two
    answers = threading.Event()
    two.upon("facts", lambda: answers.wait(20))
    begin()
    until(lambda: states(room).get(LOCAL) is NodeState.ACTIVE)
    record = room.store.instances.add(queued(now=room.store.clock()))
    time.sleep(0.2)
    assert room.now(record).state is State.QUEUED  # what the silent node holds is not known yet
    room.store.clock.advance(4)
    until(lambda: room.now(record).state is State.RUNNING)
    assert room.now(record).placement == Placement(LOCAL)
    assert states(room)[TWO] is NodeState.DOWN
    answers.set()
    until(lambda: states(room)[TWO] is NodeState.ACTIVE)


def test_what_runs_is_counted_for_charts(room: Room, begin: Callable[[], None]) -> None:
    began = room.store.clock()
    begin()
    until(lambda: len(room.store.stats.since(began - 60, 10)) == 1)
    record = room.store.instances.add(queued(now=room.store.clock()))
    until(lambda: room.now(record).state is State.RUNNING)
    for _ in range(2):  # the lease is shorter than a period
        room.store.clock.advance(PERIOD / 2)
        room.store.leadership.acquire()
    until(lambda: len(room.store.stats.since(began - 60, 10)) == 2)
    last = room.store.stats.since(began - 60, 10)[-1]
    assert last.instances == {"running": 1}
    assert (last.queue, last.longest_wait) == (0, 0.0)
    assert last.nodes[LOCAL].instances == 1


def test_each_start_is_told_once_and_the_longest_wait_is_the_oldest_s() -> None:
    sampler = Sampler()
    assert sampler.due(1000.0)
    first = queued("aaaaaaaaaa", now=990.0, state=State.RUNNING, running_at=992.5)
    waits = queued("bbbbbbbbbb", now=960.0)
    assert sampler.sample([], [first, waits], 1000.0, Policy()).starts == ()
    assert not sampler.due(1000.0 + PERIOD - 0.1)
    second = queued("cccccccccc", now=1000.0, state=State.RUNNING, running_at=1003.0)
    told = sampler.sample([], [first, second, waits], 1010.0, Policy())
    assert (told.starts, told.queue, told.longest_wait) == ((3.0,), 1, 50.0)
    assert told.instances == {"running": 2, "queued": 1}
    assert sampler.sample([], [first, second], 1020.0, Policy()).starts == ()


def test_shares_of_a_node_are_of_what_it_can_promise_or_of_what_is_used() -> None:
    cards = (Gpu("a", slots=4, taken=True), Gpu("b", slots=4, sharers=1))
    node = Node(
        LOCAL,
        "",
        NodeState.ACTIVE,
        Resources(4.0, 8 * GIB, 2),
        allocated=Resources(2.0, 4 * GIB),
        gpus=cards,
        instances=3,
        overcommit=Overcommit(2.0, 1.0),
    )
    sample = node_sample(node, Policy())
    assert (sample.cpu, sample.memory, sample.gpus, sample.instances) == (0.25, 0.5, 0.625, 3)
    used = node_sample(replace(node, load=Load(37.5, 2 * GIB), gpus=()), Policy())
    assert (used.cpu, used.memory, used.gpus) == (0.375, 0.25, None)


def test_a_whole_node_is_kept_from_round_to_round(room: Room, begin: Callable[[], None]) -> None:
    """What is reserved for the ledger is counted from the records at each round, not remembered."""
    begin()
    until(lambda: states(room) == {LOCAL: NodeState.ACTIVE})
    needs = Needs(cpus=8.0 * 4, memory=GIB)
    first = room.store.instances.add(queued("aaaaaaaaaa", now=room.store.clock(), needs=needs))
    second = room.store.instances.add(queued("bbbbbbbbbb", now=room.store.clock() + 1, needs=needs))
    until(lambda: room.now(first).state is State.RUNNING)
    until(lambda: room.now(second).reasons == ("local: needs 32 cores, 0 are free",))
    room.engine.exits(first.id, 0)
    until(lambda: room.now(second).state is State.RUNNING)
