"""Lists of all instances are kept up by the changes, and read anew where these say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from asci_api.domain.errors import Restoring
from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import Instance, State
from asci_api.store import keys
from asci_api.store.mirror import MOST_CHANGES
from asci_api.store.stores import RedisStore
from tests.support.people import queued
from tests.support.store_rooms import RedisRoom

FIRST, SECOND = InstanceId("aaaaaaaaaa"), InstanceId("bbbbbbbbbb")


@pytest.fixture
def other(room: RedisRoom) -> Iterator[RedisStore]:
    """Another process."""
    store = RedisStore(room.connected("api"))
    yield store
    store.door.client.close()


def titled(title: str) -> Instance:
    return queued(FIRST, title=title)


def documents_read(room: RedisRoom) -> int:
    """How many keys Redis was asked for in all."""
    return int(room.client.info("commandstats").get("cmdstat_mget", {}).get("calls", 0))


def test_what_others_write_is_seen_at_once(room: RedisRoom, other: RedisStore) -> None:
    assert room.store.instances.all() == []
    other.instances.add(queued(SECOND, now=2.0))
    other.instances.add(queued(FIRST, now=1.0))
    assert [one.id for one in room.store.instances.all()] == [FIRST, SECOND]
    other.instances.change(FIRST, lambda one: replace(one, title="new"))
    other.instances.change(SECOND, lambda one: replace(one, state=State.STOPPED, ended_at=3.0))
    assert [one.title for one in room.store.instances.all()] == ["new", "Linux desktop"]
    assert [one.id for one in room.store.instances.active()] == [FIRST]
    other.instances.forget(SECOND)
    assert [one.id for one in room.store.instances.all()] == [FIRST]


def test_a_second_look_reads_no_document(room: RedisRoom, other: RedisStore) -> None:
    for number in range(20):
        other.instances.add(queued(f"many{number:06}", now=float(number)))
    assert len(room.store.instances.all()) == 20
    before = documents_read(room)
    other.instances.change(InstanceId("many000003"), lambda one: replace(one, title="new"))
    changing = documents_read(room) - before
    assert [one.title for one in room.store.instances.all()].count("new") == 1
    assert len(room.store.instances.active()) == 20
    assert documents_read(room) - before == changing


def test_very_many_changes_are_read_as_a_whole(room: RedisRoom, other: RedisStore) -> None:
    other.instances.add(queued(FIRST))
    assert len(room.store.instances.all()) == 1
    for number in range(MOST_CHANGES + 1):
        other.instances.change(FIRST, lambda one, number=number: replace(one, title=f"t{number}"))  # type: ignore[misc]
    assert room.store.instances.all()[0].title == f"t{MOST_CHANGES}"


def test_changes_that_were_trimmed_are_read_as_a_whole(room: RedisRoom, other: RedisStore) -> None:
    other.instances.add(queued(FIRST))
    assert len(room.store.instances.all()) == 1
    other.instances.change(FIRST, lambda one: replace(one, title="new"))
    other.instances.add(queued(SECOND))
    room.client.xtrim(keys.CHANGES, maxlen=1, approximate=False)
    assert [one.title for one in room.store.instances.all()] == ["new", "Linux desktop"]


def test_a_redis_that_lost_its_last_second_is_read_as_a_whole(room: RedisRoom, other: RedisStore) -> None:
    other.instances.add(queued(FIRST))
    kept = {key: room.client.dump(key) for key in room.client.scan_iter("*")}
    other.instances.change(FIRST, lambda one: replace(one, title="forgotten"))
    assert room.store.instances.all()[0].title == "forgotten"
    room.client.flushall()
    for key, value in kept.items():
        assert value is not None
        room.client.restore(key, 0, value)
    assert room.store.instances.all()[0].title == "Linux desktop"
    other.instances.change(FIRST, lambda one: replace(one, title="after"))
    assert room.store.instances.all()[0].title == "after"


def test_nothing_is_told_while_records_are_missing(room: RedisRoom, other: RedisStore) -> None:
    other.instances.add(queued(FIRST))
    assert len(room.store.instances.all()) == 1
    room.lose()
    for ask in (room.store.instances.all, room.store.instances.active):
        with pytest.raises(Restoring):
            ask()


def test_another_epoch_is_read_as_a_whole(room: RedisRoom, other: RedisStore) -> None:
    other.instances.add(titled("before"))
    room.durable.follow(0.05)
    assert room.store.instances.all()[0].title == "before"
    room.lose()
    leadership = room.leadership()
    fence = leadership.acquire()
    assert fence is not None
    room.durable.restore(fence)
    leadership.raise_sentinel(fence)
    assert room.store.instances.all()[0].title == "before"
    other.instances.change(FIRST, lambda one: replace(one, title="after"))
    assert room.store.instances.all()[0].title == "after"


def test_what_cannot_be_read_is_left_out(room: RedisRoom, other: RedisStore) -> None:
    other.instances.add(queued(FIRST))
    assert len(room.store.instances.all()) == 1
    room.client.xadd(keys.CHANGES, {"kind": "instance", "key": FIRST, "doc": "no json"})
    assert room.store.instances.all() == []
