"""Series on one axis of time, the overview, and what needs somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import Failure, Hop, Instance, Placement, State
from asci_api.domain.node import Disk, Drain, Gpu, Node, NodeSource, NodeState, Resources
from asci_api.domain.stats import MOST_STARTS, NodeSample, StatsSample, percentile, thinned
from asci_api.work.attention import Concern, View, concerns
from tests.support.api_lab import NODE, ApiLab
from tests.support.people import queued

NOW = 1_800_000_000.0


def sample(at: float, running: float = 1.0, **facts: Any) -> StatsSample:
    return StatsSample(at, {"running": running}, nodes={"local": NodeSample(0.5, 0.25, None, 1)}, **facts)


def test_an_hour_has_a_point_every_ten_seconds(lab: ApiLab) -> None:
    for number in range(3):
        lab.store.stats.add(sample(lab.memory.clock.advance(10), float(number), queue=2.0, starts=(1.0, 3.0)))
    told = lab.visitor("admin").get("/stats").json
    assert (told["step_seconds"], len(told["times"])) == (10, 360)
    assert told["times"][-1] == lab.clock()
    assert told["instances"] == {"running": [None] * 357 + [0.0, 1.0, 2.0]}
    assert told["queue"][-3:] == [2.0] * 3
    assert told["start_seconds"]["p50"][-1] == 1.0
    assert told["start_seconds"]["p95"][-1] == 3.0
    assert told["nodes"]["local"]["cpu"][-4:] == [None, 0.5, 0.5, 0.5]
    assert told["nodes"]["local"]["gpus"][-1] is None
    assert told["nodes"]["local"]["instances"][-1] == 1


@pytest.mark.parametrize(("window", "step", "points"), [("6h", 60, 360), ("24h", 300, 288), ("7d", 1800, 336)])
def test_longer_windows_have_longer_steps(lab: ApiLab, window: str, step: int, points: int) -> None:
    begin = lab.clock()
    for number in range(0, 7200, 30):
        lab.memory.clock.now = begin + number
        lab.store.stats.add(sample(lab.clock(), number / 30))
    told = lab.visitor("admin").get(f"/stats?window={window}").json
    assert (told["step_seconds"], len(told["times"])) == (step, points)
    at = told["times"].index(begin)
    first = told["instances"]["running"][at]
    assert first == pytest.approx((step / 30 - 1) / 2)
    assert told["instances"]["running"][at - 1] is None


def test_a_state_that_nobody_was_in_is_nobody_not_unknown(lab: ApiLab) -> None:
    lab.store.stats.add(StatsSample(lab.memory.clock.advance(10), {"running": 1.0, "lost": 1.0}))
    lab.store.stats.add(StatsSample(lab.memory.clock.advance(10), {"running": 2.0}))
    told = lab.visitor("admin").get("/stats?window=1h").json
    assert told["instances"]["lost"][-3:] == [None, 1.0, 0]


def test_no_other_window(lab: ApiLab) -> None:
    assert lab.visitor("admin").get("/stats?window=1y").slug == "invalid-input"
    assert lab.visitor("demo").get("/stats").status == 403
    assert lab.visitor("demo").get("/overview").status == 403


def test_of_very_many_starts_some_are_remembered() -> None:
    starts = tuple(float(number) for number in range(1000))
    kept = thinned([sample(0.0, starts=starts), sample(1.0, starts=(5000.0,))], 0.0).starts
    assert len(kept) == MOST_STARTS
    assert (min(kept), max(kept)) == (0.0, 5000.0)
    assert percentile(kept, 0.5) == pytest.approx(500.0, abs=10.0)


def test_percentiles_are_of_those_that_were() -> None:
    assert percentile([], 0.5) is None
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0
    assert percentile([float(number) for number in range(1, 101)], 0.95) == 95.0


def test_the_overview_counts(lab: ApiLab) -> None:
    leads(lab)
    demo = lab.visitor("demo")
    running, stopping, _waiting = demo.start(), demo.start(), demo.start()
    lab.runs(running)
    lab.runs(stopping)
    demo.delete(f"/instances/{stopping}")
    lab.ends(demo.start())
    gpus = (Gpu("a", taken=True), Gpu("b", slots=2, sharers=1), Gpu("c"))
    lab.memory.clock.advance(100)
    lab.store.cluster.put_nodes([replace(NODE, gpus=gpus)])
    lab.store.stats.add(sample(lab.clock() - 100, starts=(1.5, 2.5)))
    lab.store.stats.add(sample(lab.clock(), starts=(9.0,)))
    told = lab.visitor("admin").get("/overview").json
    assert told["nodes"] == {"total": 1, "active": 1, "cordoned": 0, "draining": 0, "down": 0}
    assert (told["instances"]["running"], told["instances"]["stopping"], told["instances"]["queued"]) == (1, 1, 1)
    assert "stopped" not in told["instances"]
    assert told["queue"] == {"length": 1, "longest_wait_seconds": 100.0}
    assert told["start_seconds"] == {"p50": 2.5, "p95": 9.0, "count": 3}
    assert told["gpus"] == {"total": 3, "used": 2}
    assert told["attention"] == []


def test_a_day_of_starts_is_counted_once(lab: ApiLab) -> None:
    begin = lab.clock()
    for number in range(0, 3 * 3600, 20):
        lab.memory.clock.now = begin + number
        lab.store.stats.add(sample(lab.clock(), starts=(1.0,) if number % 600 == 0 else ()))
    assert lab.visitor("admin").get("/overview").json["start_seconds"]["count"] == 18


def test_the_overview_answers_without_a_controller(lab: ApiLab) -> None:
    lab.memory.clock.advance(60)
    told = lab.visitor("admin").get("/overview").json
    assert told["nodes"]["total"] == 0
    assert [one["kind"] for one in told["attention"]] == ["leader", "copy"]


def test_what_needs_somebody_comes_with_what_would_help(lab: ApiLab) -> None:
    leads(lab)
    admin, demo = lab.visitor("admin"), lab.visitor("demo")
    lab.runs(demo.start())
    lab.store.cluster.put_nodes([replace(NODE, state=NodeState.DOWN, down_since=lab.clock() - 300)])
    (concern,) = admin.get("/overview").json["attention"]
    assert (concern["kind"], concern["hurts"], concern["link"]) == ("node-down", 1, "/admin/nodes/local")
    assert concern["what"] == "Node local has not answered for 5 min."
    step = concern["action"]
    assert admin.ask(step["method"], step["path"].removeprefix("/api/v1"), json=step["body"]).json["gone"] is True


def leads(lab: ApiLab) -> None:
    """A controller leads and has copied everything."""
    assert lab.memory.leadership.acquire() is not None
    lab.memory.durable.follow(0.0)
    lab.memory.leadership.acquire()
    lab.memory.state.keep("copies", "controller", lab.clock() + 100, 300.0)
    term = lab.memory.state.data.term
    assert term is not None
    term.until = lab.clock() + 1000


def view(nodes: Sequence[Node] | None = (), active: Sequence[Instance] = (), **facts: Any) -> View:
    given: dict[str, Any] = {"failed": (), "leader": "controller", "copied_at": NOW - 1, **facts}
    return View(NOW, nodes, active, **given)


def node(name: str = "n1", state: NodeState = NodeState.ACTIVE, **facts: Any) -> Node:
    return Node(NodeName(name), "tcp://n:2376", state, Resources(8.0, 8), **facts)


def on(instance: str, owner: str, name: str = "n1") -> Instance:
    return queued(instance, owner=owner, state=State.RUNNING, placement=Placement(NodeName(name)))


def told(concern: Concern) -> tuple[str, str, int]:
    return concern.kind, concern.what, concern.hurts


def test_nothing_needs_anybody() -> None:
    assert concerns(view([node()], [on("aaaaaaaaaa", "demo")])) == []


def test_no_leader_no_copy_no_look() -> None:
    assert [one.kind for one in concerns(view(None, leader=None, copied_at=None))] == ["leader", "copy"]
    (late,) = concerns(view([], copied_at=NOW - 31))
    assert (late.kind, late.since) == ("copy", NOW - 31)
    (blind,) = concerns(view(None))
    assert blind.what == "The controller controller has not told what it sees of the nodes lately."


def test_silent_nodes() -> None:
    silent = node(state=NodeState.DOWN, down_since=NOW - 60)
    two = [on("aaaaaaaaaa", "demo"), on("bbbbbbbbbb", "jun"), on("cccccccccc", "jun")]
    (one,) = concerns(view([silent], two))
    assert told(one) == ("node-down", "Node n1 has not answered for 60 s.", 2)
    assert one.action is not None
    assert one.action.body == {"gone": True}
    (one,) = concerns(view([replace(silent, gone=True, source=NodeSource.API)], two))
    assert (one.what, one.action) == ("Node n1 was declared gone.", None)
    (one,) = concerns(view([replace(silent, gone=True, source=NodeSource.API)]))
    assert one.action is not None
    assert one.action.method == "DELETE"
    (one,) = concerns(view([node(state=NodeState.DOWN)]))
    assert told(one) == ("node-down", "Node n1 has not been seen yet.", 0)


def test_nodes_that_are_emptied_or_full() -> None:
    draining = node(state=NodeState.DRAINING, drain=Drain("New discs.", "admin", NOW - 5))
    (one,) = concerns(view([draining], [on("aaaaaaaaaa", "demo")]))
    assert told(one) == ("node-draining", "Node n1 is being emptied: 1 session left.", 1)
    (one,) = concerns(view([draining]))
    assert one.what == "Node n1 is being emptied: it is empty."
    (one,) = concerns(view([node(disk=Disk(100 * 1024**3, 5 * 1024**3))]))
    assert told(one) == ("disk", "Node n1 has 5.0 GiB of disk left.", 0)
    assert concerns(view([node(disk=Disk(100, 10))])) == []


def test_a_queue_that_stands() -> None:
    waiting = [queued("aaaaaaaaaa", NOW - 600), queued("bbbbbbbbbb", NOW - 5)]
    (one,) = concerns(view(active=waiting))
    assert told(one) == ("queue", "2 sessions wait for a place, the oldest for 10 min.", 1)
    assert concerns(view(active=waiting[1:])) == []


def test_failures_of_the_last_hour() -> None:
    def failed(instance: str, cause: str) -> Instance:
        error = Failure(Hop.IMAGE, cause, "", "", "r" * 32)
        return queued(instance, state=State.FAILED, ended_at=NOW - 60, error=error)

    several = [failed("aaaaaaaaaa", "No image."), failed("bbbbbbbbbb", "No image."), failed("cccccccccc", "Other.")]
    (one,) = concerns(view(failed=several))
    assert told(one) == ("failures", "3 sessions failed in the last hour, most with: No image.", 1)


def test_the_worst_comes_first() -> None:
    found = concerns(
        view(
            [node("a", NodeState.DRAINING), node("b", NodeState.DOWN), node("c", NodeState.DOWN)],
            [queued("aaaaaaaaaa", NOW - 600), on("bbbbbbbbbb", "jun", "c")],
            leader=None,
        )
    )
    assert [one.kind for one in found] == ["leader", "node-down", "node-down", "node-draining", "queue"]
    assert [one.link for one in found[1:3]] == ["/admin/nodes/c", "/admin/nodes/b"]


def test_ended_instances_hurt_nobody(lab: ApiLab) -> None:
    leads(lab)
    demo = lab.visitor("demo")
    one = demo.start()
    lab.runs(one)
    error = Failure(Hop.NODE, "It fell over.", "", "", "r" * 32)
    lab.ends(one, State.FAILED, error=error)
    admin = lab.visitor("admin")
    (concern,) = admin.get("/overview").json["attention"]
    assert concern["what"] == "1 session failed in the last hour, most with: It fell over."
    lab.memory.clock.advance(3700)
    lab.offer()
    leads(lab)
    assert admin.get("/overview").json["attention"] == []
    assert lab.store.instances.get(InstanceId(one)) is not None
