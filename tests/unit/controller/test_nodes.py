"""Several nodes: who is placed where, what moves on, what a drain and a gone node mean for those on them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asci_api.domain.environment import GpuNeed, GpuShare, Needs
from asci_api.domain.errors import EngineAway, EngineFault, PullFailed
from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import DrainNotice, FailedNode, Hop, Instance, State
from asci_api.domain.node import DeclaredGpu, Drain, EngineFacts, NodeImage, NodeOverlay, NodeRegistration, NodeState
from asci_api.loops.view import ClusterView
from asci_api.work.adopt_instance import adopt_instances
from asci_api.work.advance_instance import advance_instance
from asci_api.work.expire_instances import DRAIN_GRACE, expire_instances
from asci_api.work.observe_node import DOWN_AFTER, Look, node_of, observe_node
from asci_api.work.place_instances import place_instances
from asci_api.work.reap_instances import CREATED_DEADLINE, reap_orphans
from asci_api.work.settle_instances import settle_instances
from asci_api.work.steer_nodes import GONE, steer_nodes, welcome_back
from tests.support.controller_room import LOCAL, Room, simple_spec
from tests.support.fake_engine import FakeEngine
from tests.support.people import DESKTOP, queued

TWO = NodeName("node2")
IMAGE = NodeImage(DESKTOP.image_id, (DESKTOP.image,), 600_000_000, "{}", f"lab:5000/{DESKTOP.image}@sha256:77")
SOURCE = IMAGE.digest


class Cluster(Room):
    """Two nodes: ``local``, which has the desktop's image, and ``node2``, which must fetch it."""

    def __init__(self) -> None:
        super().__init__()
        self.two = FakeEngine(TWO, clock=self.store.clock)
        self.two.registry.append(IMAGE)
        self.two._next = 100  # ids of containers are unlike those of the other node
        self.engine.registry.append(IMAGE)
        self.engines.by_name[TWO] = self.two
        self.view = ClusterView(self.store.clock)
        self.before: dict[NodeName, Look] = {}

    def survey(self) -> None:
        """Look at every node, settle, and tell the snapshot."""
        for name in self.engines.names():
            look = self.before[name] = observe_node(self.desk, name, self.before.get(name))
            settle_instances(self.desk, look, self.store.instances.active(), frozenset())
            self.view.put(look)
        nodes = self.view.nodes(self.engines.registrations(), self.desk.overlays.all())
        self.store.cluster.put_nodes(nodes)

    def place(self) -> list[Instance]:
        self.survey()
        nodes = self.view.nodes(self.engines.registrations(), self.desk.overlays.all())
        active = self.store.instances.active()
        return place_instances(self.desk, nodes, active, leftovers=self.view.leftovers(active))

    def decide(self, node: NodeName, **what: object) -> None:
        self.store.overlays.change(node, lambda now: replace(now, **what))  # type: ignore[arg-type]

    def steer(self) -> None:
        steer_nodes(self.desk, self.engines.names(), self.store.instances.active())

    def start(self, name: str, node: NodeName, needs: Needs = DESKTOP.needs) -> Instance:
        """A desktop that runs on that node."""
        others = [one for one in self.engines.names() if one != node]
        for other in others:
            self.decide(other, wanted=NodeState.CORDONED)
        record = self.store.instances.add(queued(name, now=self.store.clock(), needs=needs, source=SOURCE))
        self.place()
        advance_instance(self.desk, record.id)
        for other in others:
            self.decide(other, wanted=NodeState.ACTIVE)
        now = self.now(record)
        assert now.state is State.RUNNING, now
        return now


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def add(cluster: Cluster, name: str = "abcdefghij", **facts: object) -> Instance:
    return cluster.store.instances.add(queued(name, now=cluster.store.clock(), **{"source": SOURCE, **facts}))


def test_the_decision_stays_with_the_placement(cluster: Cluster) -> None:
    record = add(cluster)
    cluster.decide(TWO, wanted=NodeState.CORDONED)
    (placed,) = cluster.place()
    assert placed.placement is not None
    assert placed.placement.node == LOCAL
    decision = cluster.now(record).decision
    assert decision is not None
    assert (decision.node, decision.at) == (LOCAL, cluster.store.clock())
    assert [(one.name, one.fits, one.reasons) for one in decision.nodes] == [
        (LOCAL, True, ()),
        (TWO, False, ("takes no new sessions",)),
    ]
    assert decision.score == pytest.approx(decision.nodes[0].score, abs=0.001)


def test_an_image_is_fetched_by_its_digest_and_known_by_the_node_s_own_id(cluster: Cluster) -> None:
    cluster.two.registry[:] = [replace(IMAGE, id="sha256:own")]
    cluster.decide(LOCAL, wanted=NodeState.CORDONED)
    record = add(cluster)
    cluster.place()
    advance_instance(cluster.desk, record.id)
    now = cluster.now(record)
    assert (now.state, now.image_id) == (State.RUNNING, "sha256:own")
    assert cluster.two.pulled == [SOURCE]


def test_a_pull_that_fails_moves_on_to_another_node_and_says_so(cluster: Cluster) -> None:
    cause = "Node node2 has no space left for the image."
    cluster.two.fail("pull", PullFailed(cause, "no space left on device", "Ask support."))
    cluster.engine.loses_image(DESKTOP.image)
    cluster.decide(LOCAL, wanted=NodeState.CORDONED)
    record = add(cluster)
    cluster.place()
    cluster.decide(LOCAL, wanted=NodeState.ACTIVE)
    cluster.survey()
    advance_instance(cluster.desk, record.id)
    moved = cluster.now(record)
    assert (moved.state, moved.placement, moved.decision) == (State.QUEUED, None, None)
    assert moved.failed_nodes == (FailedNode(TWO, cause),)
    cluster.place()
    placed = cluster.now(record)
    assert placed.progress is not None
    assert placed.progress.message == f"{cause} A place is found on node local."
    assert placed.decision is not None
    assert placed.decision.nodes[-1].reasons == ("could not bring it up",)
    advance_instance(cluster.desk, record.id)
    assert cluster.now(record).state is State.RUNNING
    assert cluster.engine.pulled == [SOURCE]


def test_when_no_node_can_fetch_it_the_failure_names_them_all(cluster: Cluster) -> None:
    cluster.engine.loses_image(DESKTOP.image)
    for engine in (cluster.engine, cluster.two):
        engine.fail("pull", PullFailed(f"The registry does not answer node {engine.node}.", "refused", "Later."))
    record = add(cluster)
    for _ in range(2):
        cluster.place()
        advance_instance(cluster.desk, record.id)
    now = cluster.now(record)
    assert now.state is State.FAILED
    assert now.error is not None
    assert now.error.hop is Hop.IMAGE
    assert "The registry does not answer node" in now.error.cause
    assert "Tried before:" in now.error.detail
    assert {"local", "node2"} <= set((now.error.cause + now.error.detail).replace(":", " ").replace(".", " ").split())


def test_those_who_wait_for_a_node_that_cannot_do_it_are_told_in_the_end(cluster: Cluster) -> None:
    tried = (FailedNode(LOCAL, "The registry is silent."), FailedNode(TWO, "The disk is full."))
    record = add(cluster, failed_nodes=tried)
    cluster.place()
    advance_instance(cluster.desk, record.id)
    now = cluster.now(record)
    assert now.state is State.FAILED
    assert now.error is not None
    assert now.error.detail == "local: The registry is silent. node2: The disk is full."


def test_a_node_that_goes_down_before_it_made_a_container_is_left(cluster: Cluster) -> None:
    cluster.decide(LOCAL, wanted=NodeState.CORDONED)
    record = add(cluster)
    cluster.place()
    cluster.decide(LOCAL, wanted=NodeState.ACTIVE)
    cluster.two.away = True
    advance_instance(cluster.desk, record.id)
    assert cluster.now(record).state is State.PLACED
    cluster.survey()
    cluster.store.clock.advance(DOWN_AFTER)
    cluster.survey()
    advance_instance(cluster.desk, record.id)
    assert cluster.now(record).state is State.QUEUED
    assert [one.placement and one.placement.node for one in cluster.place()] == [LOCAL]


@pytest.mark.parametrize("method", ["create", "start"])
def test_a_node_whose_disk_is_full_is_left_with_nothing_behind(cluster: Cluster, method: str) -> None:
    full = EngineFault(Hop.NODE, "Node node2 has no space left on its disk.", "no space left on device")
    cluster.two.images_here.append(IMAGE)
    cluster.two.fail(method, full)
    cluster.decide(LOCAL, wanted=NodeState.CORDONED)
    record = add(cluster)
    cluster.place()
    cluster.decide(LOCAL, wanted=NodeState.ACTIVE)
    cluster.survey()
    advance_instance(cluster.desk, record.id)
    moved = cluster.now(record)
    assert (moved.state, moved.container, moved.placement) == (State.QUEUED, "", None)
    assert cluster.two.containers == {}
    cluster.place()
    advance_instance(cluster.desk, record.id)
    assert cluster.now(record).state is State.RUNNING
    assert len(cluster.engine.containers) == 1


def test_a_silent_node_is_not_left_once_it_may_hold_a_container(cluster: Cluster) -> None:
    cluster.two.images_here.append(IMAGE)
    cluster.two.fail("start", EngineAway(TWO, "timed out"), after=True, times=99)
    cluster.decide(LOCAL, wanted=NodeState.CORDONED)
    record = add(cluster)
    cluster.place()
    cluster.decide(LOCAL, wanted=NodeState.ACTIVE)
    advance_instance(cluster.desk, record.id)
    cluster.store.clock.advance(61)
    advance_instance(cluster.desk, record.id)
    now = cluster.now(record)
    assert now.placement is not None
    assert now.placement.node == TWO
    assert now.failed_nodes == ()


def test_home_folders_are_made_on_a_node_that_must_fetch_the_program_first(cluster: Cluster) -> None:
    cluster.two.missing.add("/homes/demo")
    home_image = "lab:5000/asci/base:dev"
    cluster.two.registry.append(NodeImage("sha256:base", (home_image,), 1))
    cluster.desk = replace(cluster.desk, home_image=home_image)
    cluster.start("abcdefghij", TWO)
    assert cluster.two.homes_made == [("demo", 20001, 20001)]


def test_a_drain_is_told_and_ends_what_is_left_at_its_deadline(cluster: Cluster) -> None:
    record, other = cluster.start("aaaaaaaaaa", TWO), cluster.start("bbbbbbbbbb", LOCAL)
    deadline = cluster.store.clock() + 3600
    drain = Drain("Kernel update.", "admin", cluster.store.clock(), deadline)
    cluster.decide(TWO, wanted=NodeState.DRAINING, drain=drain)
    cluster.steer()
    told = cluster.now(record)
    assert told.drain == DrainNotice(TWO, "Kernel update.", deadline)
    assert told.ends_at == deadline < told.expires_at
    assert cluster.now(other).drain is None
    assert expire_instances(cluster.desk, cluster.store.instances.active(), 0.0) == []
    add(cluster, "cccccccccc")
    assert [one.placement and one.placement.node for one in cluster.place()] == [LOCAL]
    cluster.store.clock.advance(3600)
    (asked,) = expire_instances(cluster.desk, cluster.store.instances.active(), 0.0)
    assert asked.stop is not None
    assert asked.stop.reason == "Node node2 was emptied: Kernel update."
    advance_instance(cluster.desk, record.id)
    assert cluster.now(record).state is State.STOPPED
    cluster.survey()
    assert cluster.two.containers == {}


def test_a_drain_called_off_is_no_longer_told(cluster: Cluster) -> None:
    record = cluster.start("aaaaaaaaaa", TWO)
    cluster.decide(TWO, wanted=NodeState.DRAINING, drain=Drain("", "admin", 0.0, None))
    cluster.steer()
    assert cluster.now(record).drain == DrainNotice(TWO, "", None)
    assert cluster.now(record).ends_at == record.expires_at
    revision = cluster.now(record).revision
    cluster.steer()
    assert cluster.now(record).revision == revision
    cluster.decide(TWO, wanted=NodeState.ACTIVE, drain=None)
    cluster.steer()
    assert cluster.now(record).drain is None


def test_a_deadline_that_passed_while_asci_was_away_leaves_a_moment(cluster: Cluster) -> None:
    record = cluster.start("aaaaaaaaaa", TWO)
    now = cluster.store.clock.advance(10)
    cluster.decide(TWO, wanted=NodeState.DRAINING, drain=Drain("", "admin", 0.0, now - 5))
    cluster.steer()
    steady_since = cluster.store.clock()
    assert expire_instances(cluster.desk, [cluster.now(record)], steady_since) == []
    cluster.store.clock.advance(DRAIN_GRACE)
    assert expire_instances(cluster.desk, [cluster.now(record)], steady_since) != []


def test_gone_ends_what_was_there_frees_its_gpus_and_a_return_reaps_what_is_left(cluster: Cluster) -> None:
    cluster.engines.registered[TWO] = NodeRegistration(TWO, "tcp://two:2376", gpus=(DeclaredGpu("Lab", 1, 1),))
    needs = replace(DESKTOP.needs, gpu=GpuNeed(GpuShare.EXCLUSIVE, 1))
    record = cluster.start("aaaaaaaaaa", TWO, needs)
    assert record.placement is not None
    assert record.placement.gpus == ("node2-0",)
    cluster.two.away = True
    cluster.survey()
    cluster.store.clock.advance(DOWN_AFTER)
    cluster.survey()
    assert cluster.now(record).state is State.LOST
    cluster.decide(TWO, gone=True, gone_reason="Node node2 was declared gone by Ada Admin.")
    cluster.steer()
    advance_instance(cluster.desk, record.id)
    ended = cluster.now(record)
    assert (ended.state, ended.end_reason) == (State.STOPPED, "Node node2 was declared gone by Ada Admin.")
    assert len(cluster.two.containers) == 1
    cluster.two.away = False
    cluster.survey()
    look = cluster.before[TWO]
    assert node_of(look, None, cluster.desk.overlays.all()[TWO]).state is NodeState.DOWN
    assert not welcome_back(cluster.desk, look, cluster.desk.overlays.all())
    again = add(cluster, "bbbbbbbbbb", needs=needs)
    assert cluster.place() == []
    assert "node2: was declared gone" in cluster.now(again).reasons[-1]
    reap_orphans(cluster.desk, look, frozenset())
    assert cluster.two.containers == {}
    cluster.survey()
    assert welcome_back(cluster.desk, cluster.before[TWO], cluster.desk.overlays.all())
    assert cluster.desk.overlays.all()[TWO] == NodeOverlay(wanted=NodeState.ACTIVE)
    assert [one.id for one in cluster.place()] == [again.id]
    assert [entry.what for entry in cluster.store.audit.find(limit=1)] == ["node.return"]


def test_gone_has_a_reason_of_its_own(cluster: Cluster) -> None:
    record = cluster.start("aaaaaaaaaa", TWO)
    cluster.decide(TWO, gone=True)
    cluster.steer()
    stop = cluster.now(record).stop
    assert stop is not None
    assert stop.reason == GONE


def test_gpus_of_a_silent_node_stay_reserved_and_are_still_there_when_it_answers(cluster: Cluster) -> None:
    cluster.engines.registered[TWO] = NodeRegistration(TWO, "tcp://two:2376", gpus=(DeclaredGpu("Lab"),))
    needs = replace(DESKTOP.needs, gpu=GpuNeed(GpuShare.EXCLUSIVE, 1))
    record = cluster.start("aaaaaaaaaa", TWO, needs)
    second = add(cluster, "bbbbbbbbbb", needs=needs)
    cluster.two.away = True
    cluster.survey()
    cluster.store.clock.advance(DOWN_AFTER)
    assert cluster.place() == []
    cluster.two.away = False
    assert cluster.place() == []
    assert cluster.now(record).state is State.RUNNING
    assert any("needs 1 exclusive GPU, 0 are free" in reason for reason in cluster.now(second).reasons)


def test_gpus_are_counted_from_containers_that_no_record_knows(cluster: Cluster) -> None:
    cluster.engines.registered[TWO] = NodeRegistration(TWO, "tcp://two:2376", gpus=(DeclaredGpu("Lab"),))
    needs = replace(DESKTOP.needs, gpu=GpuNeed(GpuShare.EXCLUSIVE, 1))
    spec = simple_spec(queued("zzzzzzzzzz", owner="stranger"))
    labels = {**spec.labels, "org.asci.gpus": "exclusive:node2-0"}
    cluster.two.images_here.append(IMAGE)
    cluster.two.start(cluster.two.create(replace(spec, labels=labels)))
    record = add(cluster, needs=needs)
    assert cluster.place() == []
    cluster.two.vanishes("zzzzzzzzzz")
    assert [one.id for one in cluster.place()] == [record.id]


def test_an_adopted_desktop_keeps_its_gpus(cluster: Cluster) -> None:
    spec = simple_spec(queued("zzzzzzzzzz"))
    labels = {**spec.labels, "org.asci.gpus": "shared:node2-1"}
    cluster.two.images_here.append(IMAGE)
    cluster.two.start(cluster.two.create(replace(spec, labels=labels)))
    cluster.survey()
    (adopted,) = adopt_instances(cluster.desk, cluster.before[TWO], set())
    assert adopted.placement is not None
    assert (adopted.placement.node, adopted.placement.gpus) == (TWO, ("node2-1",))
    assert adopted.state is State.STARTING


def test_a_desktop_whose_environment_is_gone_is_adopted_as_its_labels_tell(cluster: Cluster) -> None:
    spec = simple_spec(queued("zzzzzzzzzz", environment="retired"))
    labels = {**spec.labels, "org.asci.gpus": "exclusive:node2-0", "org.asci.kind": "web"}
    cluster.two.images_here.append(IMAGE)
    cluster.two.start(cluster.two.create(replace(spec, labels=labels)))
    cluster.survey()
    (adopted,) = adopt_instances(cluster.desk, cluster.before[TWO], set())
    assert (adopted.environment, adopted.kind, adopted.state) == ("retired", "web", State.RUNNING)
    assert adopted.needs.gpu == GpuNeed(GpuShare.EXCLUSIVE, 1)
    assert adopt_instances(cluster.desk, cluster.before[TWO], set()) == []


def test_a_stranger_s_container_is_told_once(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    spec = simple_spec(queued("yyyyyyyyyy", owner="stranger"))
    cluster.two.images_here.append(IMAGE)
    cluster.two._next = 0xABCDEF
    cluster.two.start(cluster.two.create(spec))
    for _ in range(3):
        cluster.survey()
        assert adopt_instances(cluster.desk, cluster.before[TWO], set()) == []
    assert capsys.readouterr().out.count("unknown_left_alone") <= 1


def test_a_node_that_is_registered_no_more_loses_its_instances_and_they_can_be_ended(cluster: Cluster) -> None:
    record = cluster.start("aaaaaaaaaa", TWO)
    engine = cluster.engines.by_name.pop(TWO)
    cluster.steer()
    assert cluster.now(record).state is State.LOST
    cluster.engines.by_name[TWO] = engine
    cluster.survey()
    assert cluster.now(record).state is State.RUNNING
    del cluster.engines.by_name[TWO]
    cluster.decide(TWO, gone=True)
    cluster.steer()
    advance_instance(cluster.desk, record.id)
    assert cluster.now(record).state is State.STOPPED


def test_a_container_made_late_on_a_node_that_was_left_is_an_orphan(cluster: Cluster) -> None:
    record = cluster.start("aaaaaaaaaa", LOCAL)
    cluster.two.images_here.append(IMAGE)
    late = cluster.two.create(simple_spec(record))
    cluster.store.instances.change(record.id, lambda now: replace(now, state=State.STOPPING))
    cluster.survey()
    assert reap_orphans(cluster.desk, cluster.before[TWO], set()) == []
    cluster.store.clock.advance(CREATED_DEADLINE + 1)
    cluster.survey()
    assert reap_orphans(cluster.desk, cluster.before[TWO], set()) == [late]


def test_a_second_desktop_of_an_instance_that_runs_elsewhere_is_an_orphan_at_once(cluster: Cluster) -> None:
    record = cluster.start("aaaaaaaaaa", LOCAL)
    cluster.two.images_here.append(IMAGE)
    late = cluster.two.create(simple_spec(record))
    cluster.two.start(late)
    cluster.survey()
    assert reap_orphans(cluster.desk, cluster.before[TWO], set()) == [late]
    assert reap_orphans(cluster.desk, cluster.before[LOCAL], set()) == []


def test_what_an_engine_tells_of_itself_stands_under_registration_and_overlay(cluster: Cluster) -> None:
    facts = EngineFacts(
        "29.0", "1.52", 16.0, 64 * 1024**3, {"rack": "2", "zone": "a"}, "192.0.2.1", (DeclaredGpu("Lab", 1, 2),) * 2
    )
    cluster.two._facts = facts
    cluster.survey()
    registration = NodeRegistration(TWO, "tcp://two:2376", publish="10.0.0.2", labels={"zone": "b"})
    node = node_of(cluster.before[TWO], registration, NodeOverlay(labels={"gpu": ""}, removed=("rack",)))
    assert node.labels == {"gpu": "", "zone": "b"}
    assert (node.publish, node.capacity.gpus, [gpu.id for gpu in node.gpus]) == ("10.0.0.2", 2, ["node2-0", "node2-1"])
    declared = replace(registration, gpus=(DeclaredGpu("Card", 2, 4, "GPU-1"),))
    assert [gpu.id for gpu in node_of(cluster.before[TWO], declared).gpus] == ["GPU-1"]


def test_a_slow_engine_is_held_to_its_last_answer(cluster: Cluster) -> None:
    cluster.survey()
    cluster.store.clock.advance(5)

    def slow() -> None:
        cluster.store.clock.advance(5)
        raise EngineAway("node2", "timed out")

    cluster.two.upon("facts", slow)
    look = observe_node(cluster.desk, TWO, cluster.before[TWO])
    assert look.silent_since == look.at - DOWN_AFTER
    assert not look.down  # one call that took long
    assert observe_node(cluster.desk, TWO, look).down


def test_the_view_forgets_nodes_that_left_and_waits_for_those_that_came(cluster: Cluster) -> None:
    names = cluster.engines.names()
    assert not cluster.view.complete(names)
    cluster.store.clock.advance(4)
    assert cluster.view.complete(names)
    cluster.survey()
    cluster.view.keep([LOCAL])
    assert [look.node for look in cluster.view.looks()] == [LOCAL]
    nodes = cluster.view.nodes(cluster.engines.registrations(), {})
    assert [(node.name, node.state) for node in nodes] == [(LOCAL, NodeState.ACTIVE), (TWO, NodeState.DOWN)]
    assert InstanceId("x") not in {one.id for one in cluster.store.instances.active()}
