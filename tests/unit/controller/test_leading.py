"""Who leads, what a term does, and that two leaders cannot act."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from asci_api.domain.errors import Fenced, Unavailable
from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import Instance, State, StopRequest
from asci_api.domain.ports import Fence
from asci_api.loops.leader import LeaderLoop
from asci_api.loops.term import Term
from asci_api.loops.workers import Workers
from asci_api.work.advance_instance import advance_instance
from tests.support.controller_room import Room
from tests.support.people import queued


def until(what: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for other threads; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def term_of(room: Room, fence: Fence, on_fenced: Callable[[], None] = lambda: None) -> Term:
    store = room.store.fenced(fence)
    desk = replace(
        room.desk,
        instances=store.instances,
        cluster=store.cluster,
        audit=store.audit,
        leads=lambda: room.store.leadership.holds(fence),
    )
    return Term(desk, fence, room.store.leadership, room.store.durable, room.store.wakes, on_fenced)


class Terms:
    """Makes terms that only remember."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Fence]] = []

    def make(self, fence: Fence, look_again: Callable[[], None]) -> Terms._One:
        return Terms._One(self, fence)

    class _One:
        def __init__(self, terms: Terms, fence: Fence) -> None:
            self._terms, self._fence = terms, fence

        def begin(self) -> None:
            self._terms.told.append(("begin", self._fence))

        def end(self) -> None:
            self._terms.told.append(("end", self._fence))


def test_one_leads_and_a_standby_follows_when_it_resigns(room: Room) -> None:
    first, second = Terms(), Terms()
    loop = LeaderLoop(room.store.leader("one"), first.make)
    standby = LeaderLoop(room.store.leader("two"), second.make)
    loop._renew()
    standby._renew()
    assert [word for word, _ in first.told] == ["begin"]
    assert second.told == []
    loop.stop()
    loop.run()
    standby._renew()
    assert [word for word, _ in first.told] == ["begin", "end"]
    assert second.told[0][1].number > first.told[0][1].number


def test_a_lost_redis_is_a_new_term_in_a_new_epoch(room: Room) -> None:
    terms = Terms()
    loop = LeaderLoop(room.store.leadership, terms.make)
    loop._renew()
    room.store.lose()
    loop._renew()
    assert [word for word, _ in terms.told] == ["begin", "end", "begin"]
    assert terms.told[2][1].epoch > terms.told[0][1].epoch


@pytest.mark.parametrize("error", [Unavailable("The copy cannot be read."), RuntimeError("a full disk")])
def test_a_term_that_cannot_begin_gives_the_lock_to_whoever_can(room: Room, error: Exception) -> None:
    class Broken:
        ended = 0

        def begin(self) -> None:
            raise error

        def end(self) -> None:
            Broken.ended += 1

    terms = Terms()
    broken = LeaderLoop(room.store.leader("one"), lambda _fence, _look_again: Broken())
    standby = LeaderLoop(room.store.leader("two"), terms.make)
    broken._renew()
    assert not broken.leads
    assert Broken.ended == 1
    standby._renew()
    assert [word for word, _ in terms.told] == ["begin"]
    broken._renew()
    assert Broken.ended == 1


def test_redis_away_keeps_the_term_for_when_it_is_back(room: Room) -> None:
    terms = Terms()
    loop = LeaderLoop(room.store.leadership, terms.make)
    loop._renew()
    room.store.state.down = True
    loop._renew()
    room.store.state.down = False
    loop._renew()
    assert [word for word, _ in terms.told] == ["begin"]


def test_a_frozen_leader_that_wakes_ends_nothing_and_writes_nothing(room: Room, running: Instance) -> None:
    one, two = room.store.leader("one"), room.store.leader("two")
    fence = one.acquire()
    assert fence is not None
    old = room.store.fenced(fence)
    desk = replace(room.desk, instances=old.instances, leads=lambda: one.holds(fence))
    request = StopRequest("demo", "You stopped it.", room.store.clock())

    def freeze() -> None:
        room.store.clock.advance(60)
        assert two.acquire() is not None

    room.engine.upon("look", freeze)
    old.instances.change(running.id, lambda now: replace(now, stop=request))
    with pytest.raises(Fenced):
        advance_instance(desk, running.id)
    assert room.engine.of(running.id).status == "running"
    with pytest.raises(Fenced):
        old.instances.change(running.id, lambda now: replace(now, title="written by the dead"))


def test_a_term_starts_what_is_queued_and_heals_what_dies(room: Room) -> None:
    fence = room.store.leadership.acquire()
    assert fence is not None
    term = term_of(room, fence)
    term.begin()
    try:
        record = room.store.instances.add(queued(now=room.store.clock()))
        until(lambda: room.now(record).state is State.RUNNING)
        room.engine.exits(record.id, 0)
        until(lambda: room.now(record).state is State.STOPPED)
        assert room.engine.containers == {}
        nodes = room.store.cluster.nodes()
        assert nodes is not None
        assert [node.name for node in nodes] == ["local"]
        assert [one.name for one in room.store.cluster.environments() or []] == ["desktop"]
    finally:
        term.end()


def test_a_term_writes_a_desktop_s_passwords_again_when_the_proxy_says_so(room: Room, running: Instance) -> None:
    fence = room.store.leadership.acquire()
    assert fence is not None
    term = term_of(room, fence)
    term.begin()
    try:
        until(lambda: room.store.cluster.nodes() is not None)
        time.sleep(0.05)
        room.store.wakes.wake(f"secret:{running.id}")
        until(lambda: len(room.engine.of(running.id).written) == 2)
        until(lambda: not room.now(running).generations.due)
    finally:
        term.end()


def test_workers_never_work_twice_at_once_on_one_instance_and_miss_no_request() -> None:
    busy, most, runs = 0, 0, 0
    lock = threading.Lock()

    def work(instance: InstanceId) -> None:
        nonlocal busy, most, runs
        with lock:
            busy += 1
            most = max(most, busy)
            runs += 1
        time.sleep(0.02)
        with lock:
            busy -= 1

    workers = Workers(work)
    workers.submit(InstanceId("one"))
    time.sleep(0.005)
    for _ in range(5):
        workers.submit(InstanceId("one"))
    until(lambda: not workers.pending())
    workers.close()
    assert most == 1
    assert runs == 2


def test_a_lane_that_hangs_holds_up_no_other() -> None:
    goes_on = threading.Event()
    ran: list[InstanceId] = []

    def work(instance: InstanceId) -> None:
        if instance.startswith("hangs"):
            goes_on.wait(10)
        ran.append(instance)

    workers = Workers(work, size=8, per_lane=2)
    for number in range(6):
        workers.submit(InstanceId(f"hangs{number}"), "dead")
    for number in range(6):
        workers.submit(InstanceId(f"quick{number}"), "well")
    until(lambda: sum(one.startswith("quick") for one in ran) == 6)
    assert len(ran) == 6
    assert len(workers.pending()) == 6
    goes_on.set()
    until(lambda: not workers.pending())
    assert len(ran) == 12
    workers.close()


def test_a_step_that_breaks_does_not_stop_the_worker() -> None:
    ran: list[InstanceId] = []

    def work(instance: InstanceId) -> None:
        ran.append(instance)
        if instance == "bad":
            raise ValueError("a broken record")

    workers = Workers(work, size=1)
    workers.submit(InstanceId("bad"))
    workers.submit(InstanceId("good"))
    until(lambda: ran == ["bad", "good"])
    until(lambda: not workers.pending())
    workers.close()
