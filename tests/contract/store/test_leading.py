"""Leadership, and restoring what was lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asci_api.domain.audit import AuditEntry
from asci_api.domain.errors import Fenced, Restoring, Unavailable
from asci_api.domain.identity import InstanceId, Username
from asci_api.domain.instance import Share, State
from asci_api.domain.ports import Fence
from asci_shared.redis_contract import Mode, TokenRecord
from tests.support.people import DEMO, JUN, queued
from tests.support.store_rooms import StoreRoom

FIRST = InstanceId("abcdefghij")
SECOND = InstanceId("bcdefghijk")


def acquired(room: StoreRoom, name: str = "first") -> Fence:
    fence = room.leadership(name).acquire()
    assert fence is not None
    return fence


def test_one_leads_and_keeps_its_term_by_renewing(room: StoreRoom) -> None:
    fence = acquired(room)
    assert room.leadership("second").acquire() is None
    for _ in range(4):
        room.pass_time(5)
        assert acquired(room) == fence
    assert room.leadership("second").acquire() is None
    assert room.leadership().holds(fence)
    assert not room.leadership("second").holds(fence)


def test_who_does_not_renew_is_followed_by_another_term(room: StoreRoom) -> None:
    fence = acquired(room)
    room.pass_time(6.1)
    assert not room.leadership().holds(fence)
    later = acquired(room, "second")
    assert later.epoch == fence.epoch
    assert later.number > fence.number
    assert room.leadership().acquire() is None


def test_the_same_controller_in_a_later_term_has_another_fence(room: StoreRoom) -> None:
    fence = acquired(room)
    room.pass_time(6.1)
    assert acquired(room).number > fence.number
    assert not room.leadership().holds(fence)


def test_a_released_lock_is_free_and_only_the_holder_releases_it(room: StoreRoom) -> None:
    fence = acquired(room)
    room.leadership("second").release(fence)
    room.leadership().release(replace(fence, number=fence.number + 1))
    assert room.leadership("second").acquire() is None
    room.leadership().release(fence)
    later = acquired(room, "second")
    room.leadership().release(fence)
    assert room.leadership("second").holds(later)


def test_holding_is_no_when_the_store_is_away(room: StoreRoom) -> None:
    fence = acquired(room)
    room.away()
    assert not room.leadership().holds(fence)
    with pytest.raises(Unavailable):
        room.leadership().acquire()
    with pytest.raises(Unavailable):
        room.leadership().sentinel_stands()


def test_a_loss_begins_a_new_epoch_that_lasts_through_the_restore(room: StoreRoom) -> None:
    before = acquired(room)
    room.lose()
    assert not room.leadership().sentinel_stands()
    assert not room.leadership().holds(before)
    fence = acquired(room)
    assert fence.epoch > before.epoch
    assert acquired(room) == fence
    room.leadership().raise_sentinel(fence)
    assert room.leadership().sentinel_stands()
    assert acquired(room) == fence
    room.fenced(fence).instances.add(queued(FIRST))


def test_only_the_leader_of_the_term_says_that_records_are_whole(room: StoreRoom) -> None:
    room.lose()
    fence = acquired(room)
    room.pass_time(6.1)
    later = acquired(room, "second")
    with pytest.raises(Fenced):
        room.leadership().raise_sentinel(fence)
    assert not room.leadership().sentinel_stands()
    room.leadership("second").raise_sentinel(later)
    assert room.leadership().sentinel_stands()


def test_a_fence_of_before_the_loss_writes_nothing_after_it(room: StoreRoom) -> None:
    before = acquired(room)
    room.lose()
    fence = acquired(room)
    with pytest.raises((Restoring, Fenced)):
        room.fenced(before).instances.add(queued(FIRST))
    room.leadership().raise_sentinel(fence)
    with pytest.raises(Fenced):
        room.fenced(before).instances.add(queued(FIRST))
    assert room.store.instances.all() == []


def fill(room: StoreRoom) -> None:
    """Something of everything that is durable."""
    now = room.now()
    room.store.instances.add(queued(FIRST, now=now))
    room.store.instances.change(
        FIRST, lambda one: replace(one, shares=(Share(JUN.username, JUN.name, Mode.VIEW, now),), title="Ptychography")
    )
    room.store.instances.add(queued(SECOND, now=now + 1))
    room.store.instances.change(SECOND, lambda one: one.to(State.STOPPED, now, ended_at=now, log=("last words",)))
    room.store.tokens.add("a" * 64, TokenRecord("demo", "Demo", ("user",), now, now + 86400.0, 3600, "192.0.2.1"))
    room.store.audit.record(AuditEntry(now, "demo", "instance.start", FIRST, "192.0.2.1", "ok", "r" * 32))
    room.store.audit.record(AuditEntry(now + 1, "demo", "instance.stop", SECOND, "192.0.2.1", "ok", "r" * 32))
    room.store.cluster.record_start("desktop", 1.75)
    room.store.cluster.record_start("desktop", 2.25)


def copy(room: StoreRoom) -> int:
    """Follow until nothing more comes."""
    total = 0
    while came := room.durable.follow(0.01):
        total += came
    return total


def everything(room: StoreRoom) -> list[object]:
    store = room.store
    return [
        store.instances.all(),
        store.instances.active(),
        store.instances.visible_to(DEMO.username),
        store.instances.visible_to(JUN.username),
        store.instances.get(FIRST),
        store.instances.get(SECOND),
        store.tokens.use("a" * 64),
        store.tokens.of(Username("demo")),
        store.audit.find(),
        store.cluster.usual_seconds(["desktop"]),
    ]


def restore(room: StoreRoom, name: str = "first") -> Fence:
    fence = acquired(room, name)
    room.durable.restore(fence)
    room.leadership(name).raise_sentinel(fence)
    return fence


def test_everything_durable_is_there_again_after_a_loss(room: StoreRoom) -> None:
    fill(room)
    copy(room)
    before = everything(room)
    room.lose()
    restore(room)
    assert everything(room) == before


def test_life_goes_on_after_a_restore_and_survives_another_loss(room: StoreRoom) -> None:
    fill(room)
    copy(room)
    room.lose()
    fence = restore(room)
    room.fenced(fence).instances.change(FIRST, lambda one: replace(one, title="after"))
    room.store.tokens.drop("a" * 64)
    room.store.instances.forget(SECOND)
    copy(room)
    before = everything(room)
    room.lose()
    restore(room)
    assert everything(room) == before
    assert room.store.tokens.use("a" * 64) is None
    assert room.store.instances.get(SECOND) is None


def test_a_new_store_and_an_empty_copy_become_whole_the_same_way(room: StoreRoom) -> None:
    room.lose()
    assert room.durable.follow(0.01) == 0
    restore(room)
    assert room.store.instances.all() == []
    room.store.instances.add(queued(FIRST))
    copy(room)
    room.lose()
    restore(room)
    assert [one.id for one in room.store.instances.all()] == [FIRST]


def test_a_copy_of_nothing_takes_nothing_away(room: StoreRoom) -> None:
    fill(room)
    copy(room)
    before = everything(room)
    room.lose()
    assert room.durable.follow(0.01) == 0
    acquired(room)
    assert room.durable.follow(0.01) == 0
    restore(room)
    assert everything(room) == before


def test_data_lost_again_in_the_middle_of_the_restore(room: StoreRoom) -> None:
    fill(room)
    copy(room)
    before = everything(room)
    room.lose()
    fence = acquired(room)
    room.durable.restore(fence)
    room.lose()
    with pytest.raises(Fenced):
        room.leadership().raise_sentinel(fence)
    assert not room.leadership().sentinel_stands()
    acquired(room)
    with pytest.raises(Fenced):
        room.durable.restore(fence)
    restore(room)
    assert everything(room) == before


def test_the_next_leader_restores_when_the_first_died_in_the_middle(room: StoreRoom) -> None:
    fill(room)
    copy(room)
    before = everything(room)
    room.lose()
    dying = acquired(room, "first")
    room.durable.restore(dying)
    room.pass_time(6.1)
    restore(room, "second")
    assert everything(room) == before
    with pytest.raises(Fenced):
        room.durable.restore(dying)


def test_what_ended_more_than_a_week_ago_is_not_restored(room: StoreRoom) -> None:
    long_ago = room.now() - 8 * 86400
    room.store.instances.add(queued(FIRST, now=long_ago))
    room.store.instances.change(FIRST, lambda one: one.to(State.STOPPED, long_ago, ended_at=long_ago))
    room.store.instances.add(queued(SECOND, now=long_ago))
    copy(room)
    room.lose()
    restore(room)
    assert [one.id for one in room.store.instances.all()] == [SECOND]


def test_a_restored_token_is_idle_for_its_idle_time_and_no_longer(room: StoreRoom) -> None:
    fill(room)
    copy(room)
    room.lose()
    restore(room)
    room.pass_time(3500)
    assert room.store.tokens.use("a" * 64) is not None
    room.pass_time(3601)
    assert room.store.tokens.use("a" * 64) is None


def test_who_does_not_lead_restores_nothing(room: StoreRoom) -> None:
    fill(room)
    copy(room)
    room.lose()
    with pytest.raises(Fenced):
        room.durable.restore(Fence(5, 1))


def test_following_counts_what_came(room: StoreRoom) -> None:
    copy(room)
    room.store.instances.add(queued(FIRST))
    room.store.instances.change(FIRST, lambda one: replace(one, title="x"))
    assert copy(room) == 2
    assert room.durable.follow(0.01) == 0
