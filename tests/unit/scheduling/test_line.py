"""The queue: who is served first, and that nobody waits for ever."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from asci_api.domain.environment import GIB, GpuNeed, GpuShare, Needs
from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import Instance, Placement, State
from asci_api.domain.node import Gpu, Node, NodeState, Resources, Taint
from asci_api.domain.policy import Policy
from asci_api.scheduling.board import Board, Choice
from asci_api.scheduling.filters import Request
from asci_api.scheduling.ledger import with_allocation
from asci_api.scheduling.line import in_line, serve, starved
from asci_api.scheduling.place import NoFit
from tests.support.instances import an_instance

POLICY = Policy(
    cpu_overcommit=1.0, memory_overcommit=1.0, starvation_seconds=100.0, group_priorities={"xfm": 5, "imbl": -1}
)
SMALL = Needs(cpus=1.0, memory=GIB)


def waiting(name: str, at: float, needs: Needs = SMALL, *groups: str) -> Instance:
    return an_instance(
        id=InstanceId(name), created_at=at, needs=needs, groups=tuple((each, 30000) for each in groups), image_id=""
    )


def machine(name: str, cpus: float = 4.0, **facts: Any) -> Node:
    return replace(
        Node(NodeName(name), "unix:///x", NodeState.ACTIVE, Resources(cpus, 64 * GIB), last_seen=1.0), **facts
    )


class Run:
    """Serves a queue round after round; instances end when their time is over."""

    def __init__(self, nodes: list[Node], policy: Policy = POLICY) -> None:
        self.nodes, self.policy = nodes, policy
        self.board = Board(nodes, policy)
        self.queue: list[Instance] = []
        self.running: dict[str, tuple[Instance, float]] = {}
        self.placed_at: dict[str, float] = {}
        self.reasons: dict[str, NoFit] = {}

    def round(self, now: float, life: float = 30.0) -> None:
        self.running = {name: one for name, one in self.running.items() if one[1] > now}
        self.board.see(with_allocation(self.nodes, [one for one, _ in self.running.values()]), self.policy)

        def put(instance: Instance, choice: Choice) -> bool:
            placed = replace(instance, state=State.RUNNING, placement=choice.placement)
            self.running[instance.id] = (placed, now + life)
            self.placed_at[instance.id] = now
            return True

        serve(self.board, self.queue, now, put, lambda one, why: self.reasons.__setitem__(one.id, why))
        self.queue = [one for one in self.queue if one.id not in self.placed_at]


def test_priority_then_waiting_and_the_starved_before_all() -> None:
    queue = [
        waiting("new", 950.0),
        waiting("old", 920.0),
        waiting("beamline", 990.0, SMALL, "other", "xfm"),
        waiting("low", 910.0, SMALL, "imbl"),
        waiting("starved-low", 895.0, SMALL, "imbl"),
        waiting("starved", 880.0),
    ]
    assert [one.id for one in in_line(queue, POLICY, 1000.0)] == [
        "starved", "starved-low", "beamline", "old", "new", "low",
    ]  # fmt: skip
    assert starved(queue[5], POLICY, 980.0)
    assert not starved(queue[5], POLICY, 979.9)


def test_a_refused_placement_leaves_the_place_to_the_next() -> None:
    board = Board([machine("a", 1.0)], POLICY)
    asked: list[str] = []

    def put(one: Instance, _: Choice) -> bool:
        asked.append(one.id)
        return one.id != "stopped"

    serve(board, [waiting("stopped", 1.0), waiting("next", 2.0), waiting("last", 3.0)], 10.0, put, lambda *_: None)
    assert asked == ["stopped", "next"]


def test_small_ones_overtake_a_big_one_until_it_starves() -> None:
    run = Run([machine("a", 4.0)])
    run.queue = [waiting("first", 0.0, replace(SMALL, cpus=3.0)), waiting("big", 1.0, replace(SMALL, cpus=4.0))]
    run.round(2.0, life=1000.0)
    run.queue.append(waiting("small", 50.0))
    run.round(50.0, life=20.0)
    assert run.placed_at == {"first": 2.0, "small": 50.0}
    run.queue.append(waiting("another", 102.0))
    run.round(102.0)
    assert "another" not in run.placed_at
    assert run.reasons["another"].reasons == ("a: needs 1 core, 0 are free",)


def test_a_reservation_holds_only_what_is_needed() -> None:
    cards = (Gpu("g0"), Gpu("g1"))
    run = Run([machine("a", 16.0, gpus=cards), machine("b", 16.0, labels={"x": ""})])
    one = replace(SMALL, gpu=GpuNeed(GpuShare.EXCLUSIVE, 1))
    two = replace(SMALL, gpu=GpuNeed(GpuShare.EXCLUSIVE, 2))
    run.queue = [waiting("holds", 0.0, one), waiting("both", 1.0, two)]
    run.round(2.0, life=1000.0)
    run.queue += [waiting("card", 150.0, one), waiting("plain", 150.0)]
    run.round(150.0)
    assert set(run.placed_at) == {"holds", "plain"}
    assert run.running["plain"][0].placement == Placement(NodeName("b"))


sizes = st.builds(
    Needs,
    cpus=st.sampled_from([0.5, 1.0, 2.0]),
    memory=st.just(GIB),
    gpu=st.sampled_from([None, None, GpuNeed(GpuShare.SHARED, 1), GpuNeed(GpuShare.EXCLUSIVE, 1)]),
    selector=st.sampled_from(["", "", "online"]),
)
machines = st.builds(
    machine,
    name=st.just("x"),
    cpus=st.sampled_from([2.0, 4.0]),
    gpus=st.sampled_from([(), (Gpu("g0", slots=2), Gpu("g1", slots=2))]),
    labels=st.sampled_from([{}, {"online": ""}]),
    taints=st.sampled_from([(), (Taint("online"),)]),
)
bigs = st.builds(
    Needs,
    cpus=st.sampled_from([2.0, 4.0]),
    memory=st.just(GIB),
    gpu=st.sampled_from([None, GpuNeed(GpuShare.EXCLUSIVE, 2), GpuNeed(GpuShare.SHARED, 2)]),
    selector=st.sampled_from(["", "online"]),
    whole_node=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(machines, min_size=1, max_size=4),
    bigs,
    st.lists(st.lists(sizes, max_size=6), min_size=1, max_size=8),
    st.sampled_from([True, False]),
)
def test_whoever_could_ever_be_placed_is_placed_although_small_ones_come_for_ever(
    drawn: list[Node], big: Needs, arrivals: list[list[Needs]], spread: bool
) -> None:
    nodes = [replace(each, name=NodeName(f"n{at}")) for at, each in enumerate(drawn)]
    policy = replace(POLICY, spread=spread)
    possible = isinstance(Run(nodes, policy).board.choose(_request(big)), Choice)
    run = Run(nodes, policy)
    number, first_in_line = 0, 0.0
    for second in range(0, 400, 10):
        if second == 40:
            run.queue.append(waiting("big", 40.0, big, "imbl"))
        for needs in arrivals[second // 10 % len(arrivals)]:
            number += 1
            run.queue.append(waiting(f"s{number:04}", float(second), needs, "xfm"))
        run.queue = run.queue[-40:] if "big" in run.placed_at else [*run.queue[-39:], *_of(run.queue, "big")]
        run.round(float(second))
        if any(one.created_at < 40.0 for one in run.queue):
            first_in_line = second + 10.0  # who came before it and starves, too, is served before it
        if possible and second >= max(first_in_line, 40 + POLICY.starvation_seconds) + 30 + 10:
            assert "big" in run.placed_at, run.reasons["big"]
    assert possible or "big" not in run.placed_at


def _of(queue: list[Instance], name: str) -> list[Instance]:
    return [one for one in queue[:-39] if one.id == name]


def _request(needs: Needs) -> Request:
    return Request.of(needs)


@settings(max_examples=60, deadline=None)
@given(st.lists(machines, min_size=1, max_size=3), st.lists(st.one_of(sizes, bigs), max_size=12), st.randoms())
def test_the_same_queue_is_served_the_same_in_any_order(drawn: list[Node], asked: list[Needs], random: Any) -> None:
    nodes = [replace(each, name=NodeName(f"n{at}")) for at, each in enumerate(drawn)]
    queue = [waiting(f"i{at:02}", float(at % 5), needs) for at, needs in enumerate(asked)]
    first, second = Run(nodes), Run(nodes[::-1])
    first.queue = list(queue)
    random.shuffle(queue)
    second.queue = queue
    for now in (50.0, 150.0):
        first.round(now)
        second.round(now)
    assert {name: one.placement for name, (one, _) in first.running.items()} == {
        name: one.placement for name, (one, _) in second.running.items()
    }
