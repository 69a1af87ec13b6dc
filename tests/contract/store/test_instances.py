"""Records of instances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from asci_api.domain.errors import Conflict, Fenced, NotFound, Restoring, Unavailable
from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import Instance, Share, State, StopRequest
from asci_shared.redis_contract import Mode
from tests.support.people import ADMIN, DEMO, JUN, queued
from tests.support.store_rooms import StoreRoom

FIRST = InstanceId("abcdefghij")
SECOND = InstanceId("bcdefghijk")


def shared_with_jun(record: Instance) -> Instance:
    return replace(record, shares=(Share(JUN.username, JUN.name, Mode.VIEW, since=1.5),))


def ended(record: Instance) -> Instance:
    return record.to(State.STOPPED, 5.0, ended_at=5.0)


def test_a_new_record_has_revision_one_and_reads_the_same(room: StoreRoom) -> None:
    made = room.store.instances.add(queued(FIRST))
    assert made == replace(queued(FIRST), revision=1)
    assert room.store.instances.get(FIRST) == made


def test_an_unknown_id_is_none(room: StoreRoom) -> None:
    assert room.store.instances.get(FIRST) is None


def test_an_id_is_taken_once(room: StoreRoom) -> None:
    made = room.store.instances.add(queued(FIRST))
    with pytest.raises(Conflict):
        room.store.instances.add(queued(FIRST, title="Another"))
    assert room.store.instances.get(FIRST) == made


def test_a_change_raises_the_revision_and_gives_what_stands(room: StoreRoom) -> None:
    room.store.instances.add(queued(FIRST))
    after = room.store.instances.change(FIRST, lambda record: replace(record, title="Röntgen"))
    assert (after.title, after.revision) == ("Röntgen", 2)
    assert room.store.instances.get(FIRST) == after


@pytest.mark.parametrize("nothing", [lambda record: None, lambda record: record, replace])
def test_a_step_without_a_change_stores_and_rings_nothing(room: StoreRoom, nothing: object) -> None:
    made = room.store.instances.add(queued(FIRST))
    room.rung()
    assert room.store.instances.change(FIRST, nothing) == made  # type: ignore[arg-type]
    assert room.rung() == []


def test_the_store_counts_revisions_whatever_a_step_says(room: StoreRoom) -> None:
    room.store.instances.add(queued(FIRST))
    after = room.store.instances.change(FIRST, lambda record: replace(record, title="x", revision=90))
    assert after.revision == 2


def test_changing_what_is_not_there(room: StoreRoom) -> None:
    with pytest.raises(NotFound):
        room.store.instances.change(FIRST, lambda record: record)


def test_what_a_step_raises_comes_through_and_changes_nothing(room: StoreRoom) -> None:
    made = room.store.instances.add(queued(FIRST))

    def refuse(record: Instance) -> Instance:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        room.store.instances.change(FIRST, refuse)
    assert room.store.instances.get(FIRST) == made


def test_a_write_between_reading_and_storing_makes_the_step_run_again(room: StoreRoom) -> None:
    room.store.instances.add(queued(FIRST))
    seen: list[str] = []

    def slow(record: Instance) -> Instance:
        seen.append(record.title)
        if len(seen) == 1:
            room.store.instances.change(FIRST, lambda same: replace(same, title="in between"))
        return replace(record, geometry="800x600")

    after = room.store.instances.change(FIRST, slow)
    assert seen == [queued().title, "in between"]
    assert (after.title, after.geometry, after.revision) == ("in between", "800x600", 3)


def test_lists_are_oldest_first(room: StoreRoom) -> None:
    young = room.store.instances.add(queued(FIRST, now=200.25))
    old = room.store.instances.add(queued(SECOND, now=100.5))
    assert room.store.instances.all() == [old, young]
    assert room.store.instances.active() == [old, young]
    assert room.store.instances.visible_to(DEMO.username) == [old, young]


def test_lists_are_empty_where_there_is_nothing(room: StoreRoom) -> None:
    assert room.store.instances.all() == []
    assert room.store.instances.active() == []
    assert room.store.instances.visible_to(DEMO.username) == []


def test_lists_follow_every_change(room: StoreRoom) -> None:
    room.store.instances.add(queued(FIRST))
    for title in ("one", "two", "three"):
        after = room.store.instances.change(FIRST, lambda record, title=title: replace(record, title=title))  # type: ignore[misc]
        assert room.store.instances.all() == [after]
        assert room.store.instances.visible_to(DEMO.username) == [after]


def test_an_instance_is_visible_to_its_owner_and_those_it_is_shared_with_as_long_as_it_is(room: StoreRoom) -> None:
    room.store.instances.add(queued(FIRST))
    assert room.store.instances.visible_to(JUN.username) == []
    after = room.store.instances.change(FIRST, shared_with_jun)
    assert room.store.instances.visible_to(JUN.username) == [after]
    assert room.store.instances.visible_to(ADMIN.username) == []
    room.store.instances.change(FIRST, lambda record: replace(record, shares=()))
    assert room.store.instances.visible_to(JUN.username) == []


def test_an_ended_instance_is_listed_but_not_active(room: StoreRoom) -> None:
    room.store.instances.add(queued(FIRST))
    after = room.store.instances.change(FIRST, ended)
    assert room.store.instances.active() == []
    assert room.store.instances.all() == [after]


def test_the_log_is_in_the_whole_record_and_not_in_lists(room: StoreRoom) -> None:
    log = ("Xvnc started", "täglich grüßt\tdas Log", "")
    room.store.instances.add(queued(FIRST))
    room.store.instances.change(FIRST, lambda record: replace(record, log=log))
    renamed = room.store.instances.change(FIRST, lambda record: replace(record, title="renamed"))
    assert renamed.log == log
    assert room.store.instances.get(FIRST) == renamed
    assert [record.log for record in room.store.instances.all()] == [()]
    room.store.instances.change(FIRST, lambda record: replace(record, log=()))
    assert room.store.instances.get(FIRST) == replace(renamed, log=(), revision=4)


def test_forgetting_an_ended_record_leaves_nothing(room: StoreRoom) -> None:
    room.store.instances.add(shared_with_jun(queued(FIRST, log=("a line",))))
    room.store.instances.change(FIRST, ended)
    room.store.instances.forget(FIRST)
    assert room.store.instances.get(FIRST) is None
    assert room.store.instances.all() == []
    assert room.store.instances.visible_to(DEMO.username) == []
    assert room.store.instances.visible_to(JUN.username) == []
    room.store.instances.forget(FIRST)
    assert room.store.instances.add(queued(FIRST)).log == ()
    assert room.store.instances.get(FIRST) == replace(queued(FIRST), revision=1)


def test_a_live_record_is_not_forgotten(room: StoreRoom) -> None:
    made = room.store.instances.add(queued(FIRST))
    with pytest.raises(Conflict):
        room.store.instances.forget(FIRST)
    assert room.store.instances.get(FIRST) == made


def test_rings_reach_the_audience_before_and_after(room: StoreRoom) -> None:
    room.store.instances.add(queued(FIRST))
    room.store.instances.change(FIRST, shared_with_jun)
    room.store.instances.change(FIRST, lambda record: replace(record, shares=()))
    rung = room.rung()
    assert [(ring.topic, ring.id, ring.revision, set(ring.audience)) for ring in rung] == [
        ("instance", FIRST, 1, {"demo"}),
        ("instance", FIRST, 2, {"demo", "jun"}),
        ("instance", FIRST, 3, {"demo", "jun"}),
    ]


def test_forgetting_rings(room: StoreRoom) -> None:
    room.store.instances.add(queued(FIRST))
    room.store.instances.change(FIRST, ended)
    room.rung()
    room.store.instances.forget(FIRST)
    assert [(ring.id, ring.revision, ring.audience) for ring in room.rung()] == [(FIRST, 3, ("demo",))]


def test_what_people_ask_for_wakes_the_controller_and_what_it_does_itself_does_not(room: StoreRoom) -> None:
    fence = room.leadership().acquire()
    assert fence is not None
    room.store.wakes.wait(0.01)
    room.store.instances.add(queued(FIRST))
    assert room.store.wakes.wait(2.0) == [FIRST]
    room.store.instances.change(FIRST, lambda record: replace(record, stop=StopRequest("demo", "Stopped.", 3.0)))
    assert room.store.wakes.wait(2.0) == [FIRST]
    room.fenced(fence).instances.change(FIRST, lambda record: replace(record, attempts=1))
    assert room.store.wakes.wait(0.05) == []


def test_without_sentinel_absence_says_nothing_and_nothing_is_written(room: StoreRoom) -> None:
    room.store.instances.add(queued(FIRST))
    room.lose()
    every: list[Callable[[], object]] = [
        lambda: room.store.instances.get(FIRST),
        room.store.instances.all,
        room.store.instances.active,
        lambda: room.store.instances.visible_to(DEMO.username),
        lambda: room.store.instances.add(queued(SECOND)),
        lambda: room.store.instances.change(FIRST, lambda record: replace(record, title="x")),
        lambda: room.store.instances.forget(FIRST),
    ]
    for wanted in every:
        with pytest.raises(Restoring):
            wanted()


def test_a_leader_writes_until_another_leads(room: StoreRoom) -> None:
    fence = room.leadership("first").acquire()
    assert fence is not None
    mine = room.fenced(fence).instances
    made = mine.add(queued(FIRST))
    made = mine.change(FIRST, lambda record: replace(record, attempts=1))
    room.pass_time(7.0)
    assert room.leadership("second").acquire() is not None
    writes: list[Callable[[], object]] = [
        lambda: mine.add(queued(SECOND)),
        lambda: mine.change(FIRST, lambda record: replace(record, attempts=2)),
        lambda: mine.change(FIRST, ended),
    ]
    for write in writes:
        with pytest.raises(Fenced):
            write()
    assert mine.all() == [made]


def test_a_leader_whose_lock_ran_out_writes_nothing(room: StoreRoom) -> None:
    fence = room.leadership().acquire()
    assert fence is not None
    room.pass_time(7.0)
    with pytest.raises(Fenced):
        room.fenced(fence).instances.add(queued(FIRST))


def test_a_store_that_is_away_is_unavailable(room: StoreRoom) -> None:
    room.away()
    for wanted in (
        lambda: room.store.instances.get(FIRST),
        room.store.instances.all,
        lambda: room.store.instances.add(queued(FIRST)),
    ):
        with pytest.raises(Unavailable) as error:
            wanted()
        assert not isinstance(error.value, Restoring)
    assert not room.store.pulse.beats()
