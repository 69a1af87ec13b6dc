"""Placement: tables for each filter, and that no sequence of placements promises more than there is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asci_api.domain.environment import GIB, GpuNeed, GpuShare, Needs
from asci_api.domain.errors import InvalidInput
from asci_api.domain.identity import NodeName
from asci_api.domain.instance import Placement
from asci_api.domain.node import Gpu, Node, NodeImage, NodeState, Resources, Taint
from asci_api.domain.policy import Policy
from asci_api.scheduling.explain import explain
from asci_api.scheduling.place import NoFit, place

EXACT = Policy(cpu_overcommit=1.0, memory_overcommit=1.0)
ONE = Needs(cpus=1.0, memory=GIB)
MORE = Needs(cpus=1.0, memory=2 * GIB)


def node(name: str = "local", **facts: Any) -> Node:
    base = Node(NodeName(name), "unix:///x", NodeState.ACTIVE, Resources(4.0, 8 * GIB), last_seen=1.0)
    return replace(base, **facts)


def gpus(*kinds: str, slots: int = 2) -> tuple[Gpu, ...]:
    """``-`` free, ``s`` shared once, ``f`` full of sharers, ``x`` taken."""
    made = {"-": {}, "s": {"sharers": 1}, "f": {"sharers": slots}, "x": {"taken": True}}
    return tuple(Gpu(f"gpu{at}", slots=slots, **made[kind]) for at, kind in enumerate(kinds))  # type: ignore[arg-type]


def exclusive(count: int) -> Needs:
    return replace(ONE, gpu=GpuNeed(GpuShare.EXCLUSIVE, count))


def shared(count: int) -> Needs:
    return replace(ONE, gpu=GpuNeed(GpuShare.SHARED, count))


CASES: list[tuple[str, Needs, Node, str, str, bool]] = [
    # what, needs, node, filter, reason, never
    ("down", ONE, node(state=NodeState.DOWN), "state", "does not answer", False),
    ("cordoned", ONE, node(state=NodeState.CORDONED), "state", "takes no new sessions", False),
    ("draining", ONE, node(state=NodeState.DRAINING), "state", "is being emptied", False),
    ("label", replace(ONE, selector="gpu, a=1"), node(labels={"a": "2"}), "selector", "does not match gpu, a=1", True),
    ("taint", ONE, node(taints=(Taint("beamline", "xfm"),)), "taints", "is reserved (beamline=xfm)", False),
    ("cpu now", replace(ONE, cpus=2.0), node(allocated=Resources(3.5)), "cpu", "needs 2 cores, 0.5 are free", False),
    ("one free", replace(ONE, cpus=2.0), node(allocated=Resources(3.0)), "cpu", "needs 2 cores, 1 is free", False),
    ("cpu ever", replace(ONE, cpus=4.5), node(), "cpu", "needs 4.5 cores, has 4 in all", True),
    ("memory", MORE, node(allocated=Resources(0, 7 * GIB)), "memory", "needs 2 GiB of memory, 1 GiB are free", False),
    ("memory ever", replace(ONE, memory=9 * GIB), node(), "memory", "needs 9 GiB of memory, has 8 GiB in all", True),
    ("over-allocated", ONE, node(allocated=Resources(99.0)), "cpu", "needs 1 core, 0 are free", False),
    ("no gpu", exclusive(1), node(), "gpu", "needs 1 exclusive GPU, has none", True),
    ("too few gpus", exclusive(3), node(gpus=gpus("-", "-")), "gpu", "needs 3 exclusive GPUs, has 2", True),
    ("gpus taken", exclusive(2), node(gpus=gpus("-", "x")), "gpu", "needs 2 exclusive GPUs, 1 is free", False),
    ("gpus begun", exclusive(1), node(gpus=gpus("s", "x")), "gpu", "needs 1 exclusive GPU, 0 are free", False),
    ("slots full", shared(1), node(gpus=gpus("f", "x")), "gpu", "needs 1 shared GPU, 0 are free", False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("needs", "where", "name", "reason", "never"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_each_filter_names_itself(needs: Needs, where: Node, name: str, reason: str, never: bool) -> None:
    outcome = place(needs, [where], EXACT)
    assert outcome == NoFit((f"local: {reason}",), never, ((name, 1),))


@pytest.mark.parametrize(
    ("needs", "where", "taken"),
    [
        (ONE, node(allocated=Resources(3.0, 7 * GIB)), ()),
        (replace(ONE, selector="zone in (a, b)"), node(labels={"zone": "b"}), ()),
        (
            replace(ONE, selector="beamline=xfm"),
            node(labels={"beamline": "xfm"}, taints=(Taint("beamline", "xfm"),)),
            (),
        ),
        (exclusive(1), node(gpus=gpus("x", "s", "-", "-")), ("gpu2",)),
        (exclusive(2), node(gpus=gpus("-", "f", "-")), ("gpu0", "gpu2")),
        (shared(1), node(gpus=gpus("-", "s", "x")), ("gpu1",)),
        (shared(2), node(gpus=gpus("-", "s", "x")), ("gpu1", "gpu0")),
    ],
)
def test_what_fits_is_placed_with_its_gpus(needs: Needs, where: Node, taken: tuple[str, ...]) -> None:
    assert place(needs, [where], EXACT) == Placement(NodeName("local"), taken)


def test_overcommit_promises_more() -> None:
    full = node(allocated=Resources(7.0, 11 * GIB))
    assert isinstance(place(ONE, [full], Policy(cpu_overcommit=2.0, memory_overcommit=1.5)), Placement)
    assert isinstance(place(ONE, [full], Policy(cpu_overcommit=1.9, memory_overcommit=1.0)), NoFit)


@pytest.mark.parametrize("nodes", [None, []])
def test_without_a_look_nothing_is_never(nodes: list[Node] | None) -> None:
    outcome = place(exclusive(9), nodes, EXACT)
    assert isinstance(outcome, NoFit)
    assert not outcome.never
    assert outcome.reasons


def test_never_needs_every_node_to_agree() -> None:
    small, busy = node("small", capacity=Resources(1.0, GIB)), node("busy", allocated=Resources(4.0))
    big = replace(ONE, cpus=3.0)
    outcome = place(big, [small, busy], EXACT)
    assert isinstance(outcome, NoFit)
    assert not outcome.never
    assert outcome.emptied == (("cpu", 2),)
    outcome = place(big, [small, replace(small, name=NodeName("small2"))], EXACT)
    assert isinstance(outcome, NoFit)
    assert outcome.never


def test_a_node_that_was_never_seen_may_have_anything() -> None:
    unseen = node(state=NodeState.DOWN, capacity=Resources(), last_seen=0.0)
    outcome = place(exclusive(4), [unseen], EXACT)
    assert isinstance(outcome, NoFit)
    assert not outcome.never


def test_a_node_that_is_down_and_too_small_is_never() -> None:
    outcome = place(replace(ONE, cpus=8.0), [node(state=NodeState.DOWN)], EXACT)
    assert isinstance(outcome, NoFit)
    assert outcome.never


def test_an_image_that_nobody_can_fetch_must_be_there() -> None:
    there = node("there", images=(NodeImage("sha256:1", ("asci/x:1",), 1),), allocated=Resources(3.0))
    nodes = [node("bare"), there]
    for image in ("sha256:1", "asci/x:1"):
        assert place(ONE, nodes, EXACT, image=image, pullable=False) == Placement(NodeName("there"))
    outcome = place(ONE, [node("bare")], EXACT, image="asci/x:1", pullable=False)
    assert isinstance(outcome, NoFit)
    assert outcome.emptied == (("image", 1),)
    assert not outcome.never


def test_spread_takes_the_emptier_and_pack_the_fuller() -> None:
    nodes = [node("full", allocated=Resources(2.0, 2 * GIB)), node("idle")]
    assert place(ONE, nodes, replace(EXACT, spread=True)) == Placement(NodeName("idle"))
    assert place(ONE, nodes, replace(EXACT, spread=False)) == Placement(NodeName("full"))


def test_the_image_at_hand_can_outweigh_load() -> None:
    has = node("has", images=(NodeImage("sha256:1", ("asci/x:1",), 1),), allocated=Resources(1.0, GIB))
    nodes = [has, node("bare")]
    assert place(ONE, nodes, EXACT, image="sha256:1") == Placement(NodeName("has"))
    assert place(ONE, nodes, replace(EXACT, weight_image=0.0), image="sha256:1") == Placement(NodeName("bare"))


@pytest.mark.parametrize("spread", [True, False])
def test_what_needs_no_gpu_leaves_gpu_nodes_alone(spread: bool) -> None:
    nodes = [node("cards", gpus=gpus("-", "-")), node("plain")]
    assert place(ONE, nodes, replace(EXACT, spread=spread)) == Placement(NodeName("plain"))


def test_equal_nodes_are_taken_by_name() -> None:
    assert place(ONE, [node("b"), node("a")], EXACT) == Placement(NodeName("a"))


def test_a_selector_that_cannot_be_read_is_the_callers_fault() -> None:
    with pytest.raises(InvalidInput):
        place(replace(ONE, selector="a b"), [node()], EXACT)


def test_all_weights_at_nought_still_place() -> None:
    nought = replace(EXACT, weight_cpu=0.0, weight_memory=0.0, weight_gpu=0.0, weight_image=0.0)
    assert place(ONE, [node("b"), node("a")], nought) == Placement(NodeName("a"))


def test_explain_tells_every_node_best_first() -> None:
    nodes = [
        node("full", allocated=Resources(4.0, 8 * GIB)),
        node("half", allocated=Resources(2.0, 4 * GIB)),
        node("idle"),
        node("shut", state=NodeState.CORDONED),
    ]
    told = explain(ONE, nodes, EXACT)
    assert told.placement == Placement(NodeName("idle"))
    assert [(each.name, each.fits) for each in told.nodes] == [
        ("idle", True),
        ("half", True),
        ("full", False),
        ("shut", False),
    ]
    assert told.nodes[2].reasons == ("needs 1 core, 0 are free", "needs 1 GiB of memory, 0 MiB are free")
    assert told.nodes[3].score is None
    assert explain(replace(ONE, cpus=99.0), nodes, EXACT).placement is None


def take(where: Node, needs: Needs, ids: tuple[str, ...]) -> Node:
    """The node with one more instance on it."""
    before, need = where.allocated, needs.gpu
    cards = where.gpus
    if need is not None:
        alone = need.share is GpuShare.EXCLUSIVE
        cards = tuple(
            replace(card, taken=alone, sharers=card.sharers + (0 if alone else 1)) if card.id in ids else card
            for card in cards
        )
    used = Resources(before.cpus + needs.cpus, before.memory + needs.memory, before.gpus + len(ids))
    return replace(where, allocated=used, gpus=cards)


needs_strategy = st.builds(
    Needs,
    cpus=st.floats(0.1, 6.0),
    memory=st.integers(1, 6 * GIB),
    gpu=st.one_of(st.none(), st.builds(GpuNeed, st.sampled_from(GpuShare), st.integers(1, 3))),
    selector=st.sampled_from(["", "", "zone=a", "zone!=a", "gpu"]),
)
node_strategy = st.builds(
    node,
    capacity=st.builds(Resources, st.sampled_from([2.0, 4.0, 8.0]), st.integers(GIB, 8 * GIB)),
    labels=st.sampled_from([{}, {"zone": "a"}, {"zone": "b", "gpu": ""}]),
    gpus=st.lists(st.just("-"), max_size=3).map(lambda kinds: gpus(*kinds)),
    state=st.sampled_from([NodeState.ACTIVE, NodeState.ACTIVE, NodeState.CORDONED]),
    taints=st.sampled_from([(), (), (Taint("gpu"),)]),
)
policy_strategy = st.builds(
    Policy,
    cpu_overcommit=st.sampled_from([1.0, 1.5, 4.0]),
    memory_overcommit=st.sampled_from([1.0, 1.5]),
    spread=st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(node_strategy, min_size=1, max_size=5), st.lists(needs_strategy, min_size=1, max_size=40), policy_strategy
)
def test_no_sequence_of_placements_promises_more_than_there_is(
    drawn: list[Node], wanted: list[Needs], policy: Policy
) -> None:
    cluster = {f"n{at}": replace(each, name=NodeName(f"n{at}")) for at, each in enumerate(drawn)}
    alone: Counter[tuple[str, str]] = Counter()
    sharers: Counter[tuple[str, str]] = Counter()
    for needs in wanted:
        outcome = place(needs, list(cluster.values()), policy)
        if isinstance(outcome, NoFit):
            assert len(outcome.reasons) == len(cluster)
            assert all(reason.split(": ", 1)[1] for reason in outcome.reasons)
            continue
        assert cluster[outcome.node].state is NodeState.ACTIVE
        count = needs.gpu.count if needs.gpu else 0
        assert len(set(outcome.gpus)) == len(outcome.gpus) == count
        ledger = alone if needs.gpu and needs.gpu.share is GpuShare.EXCLUSIVE else sharers
        ledger.update((outcome.node, card) for card in outcome.gpus)
        cluster[outcome.node] = take(cluster[outcome.node], needs, outcome.gpus)
    for each in cluster.values():
        assert each.allocated.cpus <= each.capacity.cpus * policy.cpu_overcommit + 1e-6
        assert each.allocated.memory <= each.capacity.memory * policy.memory_overcommit
    assert all(count == 1 for count in alone.values())
    assert all(count <= 2 for count in sharers.values())
    assert not set(alone) & set(sharers)


@settings(max_examples=200, deadline=None)
@given(st.lists(node_strategy, min_size=1, max_size=4), needs_strategy, policy_strategy)
def test_never_is_never_and_the_order_of_nodes_does_not_matter(drawn: list[Node], needs: Needs, policy: Policy) -> None:
    nodes = [replace(each, name=NodeName(f"n{at}")) for at, each in enumerate(drawn)]
    outcome = place(needs, nodes, policy)
    other_way = place(needs, nodes[::-1], policy)
    if isinstance(outcome, NoFit):
        assert isinstance(other_way, NoFit)
        assert (sorted(outcome.reasons), outcome.never) == (sorted(other_way.reasons), other_way.never)
        idle = [replace(each, state=NodeState.ACTIVE, taints=(), allocated=Resources()) for each in nodes]
        assert outcome.never is isinstance(place(needs, idle, policy), NoFit)
    else:
        assert outcome == other_way
