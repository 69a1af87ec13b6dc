"""The board gives what ``place`` gives, however it came to be as it is; and it promises no more than there is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from asci_api.domain.environment import GIB, GpuNeed, GpuShare, Needs
from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import Placement
from asci_api.domain.node import Gpu, Node, NodeImage, NodeState, Overcommit, Resources, Taint
from asci_api.domain.policy import Policy
from asci_api.scheduling.board import Board, Choice
from asci_api.scheduling.filters import Request
from asci_api.scheduling.ledger import Holding, holding, taking
from asci_api.scheduling.place import NoFit, place

EXACT = Policy(cpu_overcommit=1.0, memory_overcommit=1.0)
ONE = Needs(cpus=1.0, memory=GIB)


def node(name: str = "a", **facts: Any) -> Node:
    return replace(Node(NodeName(name), "unix:///x", NodeState.ACTIVE, Resources(4.0, 8 * GIB), last_seen=1.0), **facts)


def held(name: str, needs: Needs = ONE, gpus: tuple[str, ...] = ()) -> Holding:
    return Holding.of(InstanceId(name), needs, gpus)


def asked(needs: Needs, *failed: str) -> Request:
    return Request.of(needs, failed=map(NodeName, failed))


def chosen(board: Board, needs: Needs, **more: Any) -> Placement | None:
    outcome = board.choose(Request.of(needs, **more))
    return outcome.placement if isinstance(outcome, Choice) else None


def test_a_node_of_its_own_is_empty_dedicated_and_shared_with_nobody() -> None:
    whole = replace(ONE, whole_node=True, selector="online=xfm")
    taints = (Taint("online", "xfm"),)
    online = node("online", labels={"online": "xfm"}, taints=taints)
    board = Board([online, node("open", labels={"online": "xfm"})], EXACT)
    assert chosen(board, whole) == Placement(NodeName("online"))
    board.take(NodeName("online"), held("first", whole))
    assert chosen(board, whole) is None
    assert chosen(board, replace(ONE, selector="online=xfm")) == Placement(NodeName("open"))
    busy = Board([taking(online, held("small", replace(ONE, selector="online=xfm")))], EXACT)
    outcome = busy.choose(Request.of(whole))
    assert isinstance(outcome, NoFit)
    assert outcome.reasons == ("online: a whole node is needed, 1 session is on it",)
    assert not outcome.never


def test_a_node_promises_as_much_as_it_says_itself() -> None:
    twice = node("twice", overcommit=Overcommit(cpus=2.0, memory=1.0), allocated=Resources(4.0))
    assert chosen(Board([twice], EXACT), ONE) == Placement(NodeName("twice"))
    assert chosen(Board([replace(twice, overcommit=None)], EXACT), ONE) is None


def test_a_node_that_failed_is_not_tried_again_and_the_others_are() -> None:
    board = Board([node("a"), node("b", allocated=Resources(3.0)), node("c", state=NodeState.CORDONED)], EXACT)
    assert chosen(board, ONE, failed=["a"]) == Placement(NodeName("b"))
    outcome = board.choose(asked(ONE, "a", "b"))
    assert isinstance(outcome, NoFit)
    assert outcome.in_vain
    board.take(NodeName("b"), held("x"))
    waits = board.choose(asked(ONE, "a"))
    assert isinstance(waits, NoFit)
    assert not waits.in_vain
    assert waits.reasons[0] == "a: could not bring it up"


def test_an_image_is_known_by_its_digest_whatever_repository_it_came_from() -> None:
    there = node("there", images=(NodeImage("sha256:other", (), 1, "", "lab:5000/x@sha256:7"),))
    source = "registry:5000/x@sha256:7"
    board = Board([node("bare"), there], EXACT)
    assert chosen(board, ONE, image="sha256:1", source=source) == Placement(NodeName("there"))
    assert chosen(board, ONE, image="sha256:1", source=source, pullable=False) == Placement(NodeName("there"))


def test_reasons_of_a_large_cluster_are_summed_up() -> None:
    nodes = [node(f"n{at}", allocated=Resources(4.0, 0)) for at in range(40)]
    nodes += [node(f"d{at}", state=NodeState.DOWN) for at in range(3)]
    outcome = Board(nodes, EXACT).choose(Request.of(ONE))
    assert isinstance(outcome, NoFit)
    assert outcome.reasons == (
        "40 of 43 nodes have too few cores free.",
        "3 of 43 nodes take no new sessions now.",
    )


def test_a_decision_tells_the_best_and_some_of_those_refused() -> None:
    nodes = [node(f"n{at:02}", allocated=Resources(at / 10)) for at in range(30)]
    nodes += [node(f"z{at}", state=NodeState.CORDONED) for at in range(9)]
    outcome = Board(nodes, EXACT).choose(Request.of(ONE))
    assert isinstance(outcome, Choice)
    assert [each.name for each in outcome.verdicts] == [*(f"n{at:02}" for at in range(8)), "z0", "z1", "z2", "z3"]
    assert outcome.verdicts[0].score == round(outcome.score, 3)
    assert outcome.verdicts[-1].reasons == ("takes no new sessions",)


def test_what_is_reserved_is_kept_until_it_is_released() -> None:
    cards = (Gpu("g0", slots=2), Gpu("g1", slots=2, sharers=1))
    big = replace(ONE, gpu=GpuNeed(GpuShare.EXCLUSIVE, 2))
    small = replace(ONE, gpu=GpuNeed(GpuShare.SHARED, 1))
    board = Board([node("a", gpus=cards)], EXACT)
    assert board.reserve(Request.of(big), InstanceId("big")) == "a"
    assert chosen(board, small) is None
    assert chosen(board, ONE) == Placement(NodeName("a"))
    board.take(NodeName("a"), held("other"))
    board.release()
    assert chosen(board, small) == Placement(NodeName("a"), ("g1",))
    assert board.nodes[NodeName("a")].allocated == Resources(1.0, GIB)
    assert board.reserve(Request.of(replace(ONE, cpus=99.0)), InstanceId("never")) is None


needs_strategy = st.builds(
    Needs,
    cpus=st.floats(0.1, 6.0),
    memory=st.integers(1, 6 * GIB),
    gpu=st.one_of(st.none(), st.builds(GpuNeed, st.sampled_from(GpuShare), st.integers(1, 3))),
    selector=st.sampled_from(["", "", "zone=a", "zone!=a", "gpu"]),
    whole_node=st.sampled_from([False, False, False, True]),
)
node_strategy = st.builds(
    node,
    capacity=st.builds(Resources, st.sampled_from([2.0, 4.0, 8.0]), st.integers(GIB, 8 * GIB)),
    labels=st.sampled_from([{}, {"zone": "a"}, {"zone": "b", "gpu": ""}]),
    gpus=st.integers(0, 3).map(lambda count: tuple(Gpu(f"g{at}", slots=2) for at in range(count))),
    state=st.sampled_from([NodeState.ACTIVE, NodeState.ACTIVE, NodeState.CORDONED]),
    taints=st.sampled_from([(), (), (Taint("gpu"),)]),
    overcommit=st.sampled_from([None, None, Overcommit(2.0, 1.5)]),
)
policy_strategy = st.builds(
    Policy,
    cpu_overcommit=st.sampled_from([1.0, 1.5, 4.0]),
    memory_overcommit=st.sampled_from([1.0, 1.5]),
    spread=st.booleans(),
)
steps = st.lists(
    st.tuples(st.sampled_from(["start", "start", "start", "end", "see", "keep"]), needs_strategy), max_size=40
)


@settings(max_examples=150, deadline=None)
@given(st.lists(node_strategy, min_size=1, max_size=6), steps, policy_strategy)
def test_the_board_says_what_place_says_after_whatever_happened(
    drawn: list[Node], happenings: list[tuple[str, Needs]], policy: Policy
) -> None:
    bare = [replace(each, name=NodeName(f"n{at}")) for at, each in enumerate(drawn)]
    board = Board(bare, policy)
    on: dict[NodeName, list[Holding]] = {each.name: [] for each in bare}
    for at, (what, needs) in enumerate(happenings):
        real = [holding(each, on[each.name]) for each in bare]
        if what == "end":
            for holdings in on.values():
                del holdings[:1]
            board.see([holding(each, on[each.name]) for each in bare], policy)
            continue
        if what == "see":
            board.see(real, policy)
        if what == "keep":
            board.reserve(Request.of(needs), InstanceId("kept"))
            board.release()
        expected, outcome = place(needs, real, policy), board.choose(Request.of(needs))
        if isinstance(expected, NoFit):
            assert isinstance(outcome, NoFit)
            # amounts in the sentences may be those of the first refusal of this kind
            assert {one.split(":")[0] for one in outcome.reasons} == {each.name for each in bare}
            assert outcome.never is expected.never
            continue
        assert isinstance(outcome, Choice)
        assert outcome.placement == expected
        one = held(f"i{at}", needs, expected.gpus)
        board.take(expected.node, one)
        on[expected.node].append(one)
    for each in bare:
        _within_its_means(holding(each, on[each.name]), on[each.name], policy)


def _within_its_means(full: Node, on_it: list[Holding], policy: Policy) -> None:
    over = full.overcommit or Overcommit(policy.cpu_overcommit, policy.memory_overcommit)
    assert full.allocated.cpus <= full.capacity.cpus * over.cpus + 1e-6
    assert full.allocated.memory <= full.capacity.memory * over.memory
    alone = Counter(gpu for one in on_it if one.exclusive for gpu in one.gpus)
    shared = Counter(gpu for one in on_it if not one.exclusive for gpu in one.gpus)
    assert all(count == 1 for count in alone.values())
    assert all(count <= 2 for count in shared.values())
    assert not set(alone) & set(shared)
    assert not any(one.whole_node for one in on_it) or len(on_it) == 1
