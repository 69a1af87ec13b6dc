"""Two leaders cannot act: one is frozen between its decision and the call, another leads, and the first wakes.

On a real Redis with the rights of the controller. Nothing is doubled, nothing is ended that was not asked to end, and
nothing of the first reaches Redis any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from asci_api.domain.environment import Environment
from asci_api.domain.errors import Fenced
from asci_api.domain.identity import NodeName
from asci_api.domain.instance import Instance, Placement, State, StopRequest
from asci_api.domain.node import NodeImage, NodeOverlay, NodeState
from asci_api.domain.ports import Fence, Leadership
from asci_api.work.advance_instance import advance_instance
from asci_api.work.desk import Desk
from asci_api.work.observe_node import node_of, observe_node
from asci_api.work.place_instances import place_instances
from asci_api.work.reap_instances import reap_orphans
from asci_api.work.settle_instances import settle_instances
from tests.support.controller_room import People, simple_spec
from tests.support.fake_engine import FakeEngine, FakeEngines, FakeReadiness
from tests.support.people import DESKTOP, queued
from tests.support.store_rooms import RedisRoom

LOCAL, TWO = NodeName("local"), NodeName("node2")
IMAGE = NodeImage(DESKTOP.image_id, (DESKTOP.image,), 1, "{}")


class Plane:
    """Two controllers on one Redis, two nodes, and what each of them asks of the engines."""

    def __init__(self, room: RedisRoom) -> None:
        self.room = room
        self.engine = FakeEngine(LOCAL, images=[IMAGE], clock=room.now)
        self.two = FakeEngine(TWO, images=[IMAGE], clock=room.now)
        self.two._next = 100
        self.engines = FakeEngines(self.engine, self.two)
        self.first, self.first_fence = self._leader("first")

    def _leader(self, name: str) -> tuple[Desk, Fence]:
        leadership = self.room.leadership(name)
        fence = leadership.acquire()
        assert fence is not None
        return self._desk(leadership, fence), fence

    def _desk(self, leadership: Leadership, fence: Fence) -> Desk:
        store = self.room.fenced(fence)
        return Desk(
            instances=store.instances,
            cluster=store.cluster,
            engines=self.engines,
            readiness=FakeReadiness(self.engines),
            policies=store.policies,
            overlays=store.overlays,
            stats=store.stats,
            revocations=store.revocations,
            tokens=store.tokens,
            audit=store.audit,
            directory=People(),
            clock=self.room.now,
            key=b"k" * 32,
            name_of=lambda instance: f"asci-test-{instance}",
            home_image="asci/base:dev",
            make_spec=simple_spec,
            read_catalogue=lambda images: [DESKTOP] if images else _none(),
            leads=lambda: leadership.holds(fence),
        )

    def second_leads(self) -> Desk:
        """The first sleeps longer than its lease; another controller takes over."""
        self.room.client.delete("asci:leader")
        desk, fence = self._leader("second")
        assert fence.number > self.first_fence.number
        return desk

    def place(self, desk: Desk) -> list[Instance]:
        overlays = desk.overlays.all()
        looks = [observe_node(desk, name, None) for name in self.engines.names()]
        nodes = [node_of(look, None, overlays.get(look.node, NodeOverlay())) for look in looks]
        return place_instances(desk, nodes, desk.instances.active())

    def run(self, desk: Desk, record: Instance) -> Instance:
        self.place(desk)
        advance_instance(desk, record.id)
        return self.now(record)

    def add(self, name: str = "abcdefghij") -> Instance:
        return self.room.store.instances.add(queued(name, now=self.room.now()))

    def now(self, record: Instance) -> Instance:
        stored = self.room.store.instances.get(record.id)
        assert stored is not None
        return stored

    def containers(self) -> list[str]:
        """What runs, on which node."""
        found = [(each.node, one) for each in (self.engine, self.two) for one in each.containers.values()]
        return [f"{node} {one.status}" for node, one in found]

    def written(self) -> dict[bytes, bytes | None]:
        """All of Redis but the lock."""
        client = self.room.client
        return {key: client.dump(key) for key in client.scan_iter("*") if key != b"asci:leader"}


def _none() -> list[Environment]:
    return []


@pytest.fixture
def plane(room: RedisRoom) -> Plane:
    return Plane(room)


def once(deed: Callable[[], object]) -> Callable[[], None]:
    """``deed`` at the first call, nothing at the others."""
    left = [deed]

    def run() -> None:
        if left:
            left.pop()()

    return run


def test_frozen_after_the_decision_it_places_nothing(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    record = plane.add()
    seen: list[dict[bytes, bytes | None]] = []

    def takes_over() -> None:
        second = plane.second_leads()
        second.overlays.change(LOCAL, lambda now: replace(now, wanted=NodeState.CORDONED))
        assert plane.run(second, record).placement == Placement(TWO)
        seen.append(plane.written())

    freeze = once(takes_over)
    monkeypatch.setattr("asci_api.work.place_instances.Decision", _freezing(freeze))
    assert plane.place(plane.first) == []
    assert plane.written() == seen[0]
    assert plane.containers() == ["node2 running"]
    assert plane.now(record).state is State.RUNNING


def test_frozen_after_the_decision_it_writes_nothing_either(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    record = plane.add()
    monkeypatch.setattr("asci_api.work.place_instances.Decision", _freezing(once(plane.second_leads)))
    with pytest.raises(Fenced):
        plane.place(plane.first)
    assert plane.now(record) == record


def _freezing(freeze: Callable[[], None]) -> Callable[..., object]:
    """A Decision that is made at the very moment at which the decider freezes."""
    from asci_api.domain.decision import Decision  # noqa: PLC0415 -- the real one

    def make(*facts: object) -> object:
        freeze()
        return Decision(*facts)  # type: ignore[arg-type]

    return make


@pytest.mark.parametrize("call", ["create", "start", "look"])
def test_frozen_on_the_way_to_a_call_it_doubles_nothing_on_the_same_node(plane: Plane, call: str) -> None:
    record = plane.add()
    plane.place(plane.first)
    place = plane.now(record).placement
    assert place is not None
    engine = plane.engines.by_name[place.node]
    seen: list[dict[bytes, bytes | None]] = []

    def takes_over() -> None:
        advance_instance(plane.second_leads(), record.id)
        seen.append(plane.written())

    engine.upon(call, once(takes_over))
    with pytest.raises(Fenced):
        advance_instance(plane.first, record.id)
    assert plane.written() == seen[0]
    assert plane.containers() == [f"{place.node} running"]
    assert plane.now(record).state is State.RUNNING
    assert engine.calls.count(("create", f"asci-test-{record.id}")) <= 2


@pytest.mark.parametrize("call", ["create", "start"])
def test_frozen_while_the_next_goes_to_another_node_it_leaves_no_second_desktop(plane: Plane, call: str) -> None:
    record = plane.add()
    plane.first.overlays.change(LOCAL, lambda now: replace(now, wanted=NodeState.CORDONED))
    plane.place(plane.first)
    seen: list[dict[bytes, bytes | None]] = []
    leaders: list[Desk] = []

    def takes_over() -> None:
        """Finds the start where nothing was asked for yet, and has it done on the other node."""
        second = plane.second_leads()
        leaders.append(second)
        second.overlays.change(LOCAL, lambda now: replace(now, wanted=NodeState.ACTIVE))
        second.instances.change(
            record.id, lambda now: replace(now, state=State.QUEUED, placement=None, container="", progress=None)
        )
        second.overlays.change(TWO, lambda now: replace(now, wanted=NodeState.CORDONED))
        assert plane.run(second, record).placement == Placement(LOCAL)
        seen.append(plane.written())

    plane.two.upon(call, once(takes_over))
    with pytest.raises(Fenced):
        advance_instance(plane.first, record.id)
    assert plane.written() == seen[0]
    look = observe_node(leaders[0], TWO, None)
    reap_orphans(leaders[0], look, frozenset())
    assert plane.containers() == ["local running"]
    assert plane.now(record).state is State.RUNNING


def test_frozen_on_the_way_to_an_end_it_ends_nothing(plane: Plane) -> None:
    record = plane.run(plane.first, plane.add())
    assert record.placement is not None
    engine = plane.engines.by_name[record.placement.node]
    request = StopRequest("demo", "You stopped it.", plane.room.now())
    plane.room.store.instances.change(record.id, lambda now: replace(now, stop=request))
    seen: list[dict[bytes, bytes | None]] = []

    def takes_over() -> None:
        plane.second_leads()
        seen.append(plane.written())

    engine.upon("look", once(takes_over))
    before = list(engine.calls)
    with pytest.raises(Fenced):
        advance_instance(plane.first, record.id)
    assert plane.written() == seen[0]
    assert plane.containers() == [f"{record.placement.node} running"]
    assert [name for name, _ in engine.calls[len(before) :]] == ["look"]


def test_frozen_over_what_it_saw_it_judges_nobody_by_it(plane: Plane) -> None:
    record = plane.run(plane.first, plane.add())
    assert record.placement is not None
    engine = plane.engines.by_name[record.placement.node]
    look = observe_node(plane.first, record.placement.node, None)
    late = replace(look, at=look.at + 60, containers=())
    plane.second_leads()
    seen = plane.written()
    engine.vanishes(record.id)
    with pytest.raises(Fenced):
        settle_instances(plane.first, late, plane.first.instances.active(), frozenset())
    assert plane.written() == seen
    assert plane.now(record).state is State.RUNNING


def test_frozen_over_an_orphan_it_removes_nothing(plane: Plane) -> None:
    record = plane.run(plane.first, plane.add())
    assert record.placement is not None
    plane.room.store.instances.change(
        record.id, lambda now: replace(now, state=State.STOPPED, ended_at=plane.room.now())
    )
    look = observe_node(plane.first, record.placement.node, None)
    plane.second_leads()
    seen = plane.written()
    with pytest.raises(Fenced):
        reap_orphans(plane.first, look, frozenset())
    assert plane.written() == seen
    assert plane.containers() == [f"{record.placement.node} running"]
