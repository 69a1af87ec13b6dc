"""What admins decide: policy, registrations, overlays, switches; and that a loss of Redis loses none of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from asci_api.domain.environment import Allow, EnvironmentSwitch
from asci_api.domain.errors import Changed, Conflict, Fenced, Restoring
from asci_api.domain.identity import NodeName, Quota
from asci_api.domain.node import DeclaredGpu, Drain, NodeOverlay, NodeRegistration, NodeState, Overcommit, Taint
from asci_api.domain.policy import Policy
from asci_shared.redis_contract import Ring
from tests.support.store_rooms import StoreRoom

ONE = NodeName("node1")
REGISTRATION = NodeRegistration(
    ONE,
    "tcp://192.0.2.11:2376",
    publish="192.0.2.11",
    tls="lab",
    labels={"zone": "b"},
    taints=(Taint("online", "xfm"),),
    overcommit=Overcommit(2.0, 1.25),
    gpus=(DeclaredGpu("A100", 40 * 1024**3, 4),),
)
OVERLAY = NodeOverlay(
    labels={"beamline": "xfm"},
    removed=("zone",),
    taints=(),
    wanted=NodeState.DRAINING,
    drain=Drain("New discs.", "admin", 5.25, 99.5),
    overcommit=Overcommit(1.0, 1.0),
)
POLICY = Policy(
    spread=False,
    group_quotas={"xfm": Quota(9, 4)},
    people_quotas={"jun": Quota(1, 0)},
    group_priorities={"xfm": 10},
)


def test_the_policy_is_the_default_one_until_somebody_sets_it(room: StoreRoom) -> None:
    assert room.store.policies.get() == Policy()
    assert room.store.policies.change(lambda _: POLICY) == replace(POLICY, revision=1)
    assert room.store.policies.get() == replace(POLICY, revision=1)


def test_an_equal_policy_is_no_new_revision(room: StoreRoom) -> None:
    room.store.policies.change(lambda _: POLICY)
    assert room.store.policies.change(lambda policy: replace(policy, spread=False)).revision == 1
    assert room.store.policies.change(lambda policy: replace(policy, spread=True)).revision == 2


def test_a_policy_that_changed_meanwhile_is_read_again(room: StoreRoom) -> None:
    seen: list[int] = []

    def step(policy: Policy) -> Policy:
        seen.append(policy.revision)
        if len(seen) == 1:
            room.store.policies.change(lambda now: replace(now, weight_image=9.0))
        return replace(policy, spread=False)

    changed = room.store.policies.change(step)
    assert seen == [0, 1]
    assert (changed.weight_image, changed.spread, changed.revision) == (9.0, False, 2)


def test_a_step_that_refuses_changes_nothing(room: StoreRoom) -> None:
    def refuse(policy: Policy) -> Policy:
        raise Changed("The policy changed meanwhile.")

    with pytest.raises(Changed):
        room.store.policies.change(refuse)
    assert room.store.policies.get() == Policy()


def test_nodes_are_registered_once(room: StoreRoom) -> None:
    other = NodeRegistration(NodeName("aaa"), "unix:///run/other.sock")
    room.store.registrations.add(REGISTRATION)
    room.store.registrations.add(other)
    assert room.store.registrations.all() == [other, REGISTRATION]
    with pytest.raises(Conflict) as refused:
        room.store.registrations.add(replace(REGISTRATION, url="tcp://192.0.2.12:2376"))
    assert refused.value.slug == "node-exists"
    assert room.store.registrations.all() == [other, REGISTRATION]


def test_a_node_that_comes_back_begins_anew(room: StoreRoom) -> None:
    room.store.registrations.add(REGISTRATION)
    room.store.overlays.change(ONE, lambda _: OVERLAY)
    room.store.registrations.remove(ONE)
    room.store.registrations.remove(ONE)
    assert room.store.registrations.all() == []
    assert room.store.overlays.all() == {}


def test_overlays_change_by_steps(room: StoreRoom) -> None:
    seen: list[NodeOverlay] = []

    def step(before: NodeOverlay) -> NodeOverlay:
        seen.append(before)
        return replace(before, labels={**before.labels, f"n{len(seen)}": "x"})

    assert room.store.overlays.change(ONE, step) == NodeOverlay(labels={"n1": "x"})
    assert room.store.overlays.change(ONE, step) == NodeOverlay(labels={"n1": "x", "n2": "x"})
    assert seen == [NodeOverlay(), NodeOverlay(labels={"n1": "x"})]
    room.store.overlays.change(NodeName("local"), lambda _: OVERLAY)
    assert room.store.overlays.all() == {
        ONE: NodeOverlay(labels={"n1": "x", "n2": "x"}),
        NodeName("local"): OVERLAY,
    }


def test_two_admins_at_one_overlay_lose_nothing(room: StoreRoom) -> None:
    first = True

    def step(before: NodeOverlay) -> NodeOverlay:
        nonlocal first
        if first:
            first = False
            room.store.overlays.change(ONE, lambda now: replace(now, labels={**now.labels, "theirs": "x"}))
        return replace(before, labels={**before.labels, "mine": "x"})

    assert room.store.overlays.change(ONE, step).labels == {"theirs": "x", "mine": "x"}


def test_switches_count_their_changes_and_ring(room: StoreRoom) -> None:
    off = EnvironmentSwitch(enabled=False, allow=Allow(("xfm",), ("jun",)))
    assert room.store.switches.all() == {}
    assert room.store.switches.change("desktop", lambda _: off) == replace(off, revision=1)
    assert room.store.switches.change("desktop", lambda now: now) == replace(off, revision=1)
    assert room.store.switches.change("desktop", lambda now: replace(now, enabled=True)).revision == 2
    assert room.store.switches.all() == {"desktop": replace(off, enabled=True, revision=2)}
    assert room.rung() == [Ring("catalogue"), Ring("catalogue")]


def test_each_change_wakes_the_controller(room: StoreRoom) -> None:
    room.store.wakes.wait(0.05)
    writes: list[Callable[[], object]] = [
        lambda: room.store.policies.change(lambda _: POLICY),
        lambda: room.store.registrations.add(REGISTRATION),
        lambda: room.store.overlays.change(ONE, lambda _: OVERLAY),
        lambda: room.store.switches.change("desktop", lambda now: replace(now, enabled=False)),
    ]
    for write in writes:
        write()
        assert room.store.wakes.wait(2.0) == [""]


def test_nothing_is_decided_and_nothing_known_without_sentinel(room: StoreRoom) -> None:
    room.lose()
    asked: list[Callable[[], object]] = [
        room.store.policies.get,
        lambda: room.store.policies.change(lambda _: POLICY),
        room.store.registrations.all,
        lambda: room.store.registrations.add(REGISTRATION),
        lambda: room.store.registrations.remove(ONE),
        room.store.overlays.all,
        lambda: room.store.overlays.change(ONE, lambda _: OVERLAY),
        room.store.switches.all,
        lambda: room.store.switches.change("desktop", lambda now: replace(now, enabled=False)),
    ]
    for ask in asked:
        with pytest.raises(Restoring):
            ask()


def test_who_no_longer_leads_decides_nothing(room: StoreRoom) -> None:
    fence = room.leadership().acquire()
    assert fence is not None
    bound = room.fenced(fence)
    room.pass_time(7)
    writes: list[Callable[[], object]] = [
        lambda: bound.policies.change(lambda _: POLICY),
        lambda: bound.registrations.add(REGISTRATION),
        lambda: bound.overlays.change(ONE, lambda _: OVERLAY),
        lambda: bound.switches.change("desktop", lambda now: replace(now, enabled=False)),
    ]
    for write in writes:
        with pytest.raises(Fenced):
            write()
    assert room.store.registrations.all() == []


def test_a_loss_of_everything_loses_no_decision(room: StoreRoom) -> None:
    room.store.policies.change(lambda _: POLICY)
    room.store.registrations.add(REGISTRATION)
    room.store.overlays.change(ONE, lambda _: OVERLAY)
    room.store.switches.change("desktop", lambda now: replace(now, enabled=False))
    room.durable.follow(0.05)
    room.lose()
    leadership = room.leadership()
    fence = leadership.acquire()
    assert fence is not None
    room.durable.restore(fence)
    leadership.raise_sentinel(fence)
    assert room.store.policies.get() == replace(POLICY, revision=1)
    assert room.store.registrations.all() == [REGISTRATION]
    assert room.store.overlays.all() == {ONE: OVERLAY}
    assert room.store.switches.all() == {"desktop": EnvironmentSwitch(enabled=False, revision=1)}


def test_a_change_and_a_removal_are_followed(room: StoreRoom) -> None:
    room.durable.follow(0.05)
    room.store.registrations.add(REGISTRATION)
    room.store.registrations.add(replace(REGISTRATION, name=NodeName("node2")))
    room.store.registrations.remove(ONE)
    assert room.durable.follow(0.05) == 3
    room.lose()
    leadership = room.leadership()
    fence = leadership.acquire()
    assert fence is not None
    room.durable.restore(fence)
    leadership.raise_sentinel(fence)
    assert [one.name for one in room.store.registrations.all()] == ["node2"]


def test_who_leads_and_who_has_a_copy_is_told(room: StoreRoom) -> None:
    assert room.store.cluster.leader() is None
    assert room.store.cluster.copies() == {}
    assert room.leadership().acquire() is not None
    assert room.store.cluster.leader() == "first"
    room.durable.follow(0.05)
    room.durable.follow(0.05)
    assert list(room.store.cluster.copies()) == ["controller"]
    assert room.store.cluster.copies()["controller"] == pytest.approx(room.now(), abs=5.0)
    room.pass_time(7)
    assert room.store.cluster.leader() is None
