"""Many hands on one record."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from asci_api.domain.errors import Conflict
from asci_api.domain.identity import InstanceId, Username
from asci_api.domain.instance import Instance, Share
from asci_api.store.stores import RedisStore
from asci_shared.redis_contract import Mode
from tests.support.people import queued
from tests.support.store_rooms import RedisRoom

FIRST = InstanceId("abcdefghij")


def together(*works: Callable[[], object]) -> list[object]:
    """Run all at once, each in a thread of its own."""
    with ThreadPoolExecutor(len(works)) as pool:
        return [done.result() for done in [pool.submit(work) for work in works]]


def counted(record: Instance) -> Instance:
    return replace(record, attempts=record.attempts + 1)


def test_of_two_thousand_changes_by_two_threads_none_is_lost(room: RedisRoom) -> None:
    room.store.instances.add(queued(FIRST))

    def work() -> None:
        mine = RedisStore(room.connected("api"))
        for _ in range(1000):
            mine.instances.change(FIRST, counted)
        mine.door.client.close()

    together(work, work)
    found = room.store.instances.get(FIRST)
    assert found is not None
    assert (found.attempts, found.revision) == (2000, 2001)


def test_threads_share_one_store(room: RedisRoom) -> None:
    room.store.instances.add(queued(FIRST))

    def work() -> None:
        for _ in range(100):
            room.store.instances.change(FIRST, counted)
            assert [one.id for one in room.store.instances.all()] == [FIRST]

    together(work, work, work, work)
    found = room.store.instances.get(FIRST)
    assert found is not None
    assert found.attempts == 400


def test_of_many_that_add_one_id_one_wins(room: RedisRoom) -> None:
    def work(title: str) -> str | None:
        try:
            return room.store.instances.add(queued(FIRST, title=title)).title
        except Conflict:
            return None

    winners = [title for title in together(*(lambda n=n: work(f"try {n}") for n in range(8))) if title]
    found = room.store.instances.get(FIRST)
    assert found is not None
    assert winners == [found.title]


def test_sharing_and_unsharing_at_once_leaves_lists_that_fit_the_record(room: RedisRoom) -> None:
    room.store.instances.add(queued(FIRST))
    people = [Username(f"guest{number}") for number in range(4)]

    def work(username: Username) -> None:
        for on in [True, False] * 25 + [True]:

            def step(record: Instance, on: bool = on) -> Instance:
                others = tuple(share for share in record.shares if share.username != username)
                return replace(record, shares=(*others, Share(username, "Guest", Mode.VIEW, 1.0)) if on else others)

            room.store.instances.change(FIRST, step)

    together(*(lambda one=one: work(one) for one in people))
    found = room.store.instances.get(FIRST)
    assert found is not None
    assert sorted(found.audience()) == ["demo", *people]
    for username in people:
        assert [one.id for one in room.store.instances.visible_to(username)] == [FIRST]
    room.store.instances.change(FIRST, lambda record: replace(record, shares=()))
    for username in people:
        assert room.store.instances.visible_to(username) == []
    assert room.client.smembers(f"asci:audience:{FIRST}") == {b"demo"}


def test_a_write_sent_twice_counts_once(room: RedisRoom) -> None:
    """As after a connection that broke when Redis had written but not answered."""
    store = room.store.instances
    real = store.door.write
    sent: list[object] = []

    class Stutter:
        """Sends every write again, and gives the second answer."""

        client, fence = store.door.client, store.door.fence
        read, run = store.door.read, store.door.run

        def write(self, name: str, wanted: list[str], arguments: list[object]) -> object:
            sent.append(real(name, wanted, arguments))  # type: ignore[arg-type]
            return real(name, wanted, arguments)  # type: ignore[arg-type]

    store.door = Stutter()  # type: ignore[assignment]
    assert store.add(queued(FIRST)).revision == 1
    assert store.change(FIRST, counted).attempts == 1
    assert sent == [1, 1]
    found = store.get(FIRST)
    assert found is not None
    assert (found.attempts, found.revision) == (1, 2)
