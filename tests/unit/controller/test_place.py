"""The queue: what fits is placed in order, what does not knows why."""

from __future__ import annotations

from dataclasses import replace

from asci_api.domain.environment import Needs
from asci_api.domain.instance import Instance, State
from asci_api.domain.node import EngineFacts
from asci_api.work.advance_instance import advance_instance
from tests.support.controller_room import Room
from tests.support.people import queued

GIB = 1024**3


def add(room: Room, name: str, needs: Needs) -> Instance:
    room.store.clock.advance(1)
    return room.store.instances.add(queued(name, now=room.store.clock(), needs=needs))


def test_oldest_first_and_never_more_than_the_node_has(room: Room) -> None:
    room.engine._facts = EngineFacts("fake", "1.41", 1.0, 4 * GIB, gateway="192.0.2.1")
    names = ["aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc"]
    records = [add(room, name, Needs(cpus=2.0, memory=1 * GIB)) for name in names]
    placed = room.place()
    assert [record.id for record in placed] == names[:2]  # one core, promised four times
    waiting = room.now(records[2])
    assert waiting.state is State.QUEUED
    assert len(waiting.reasons) == 1
    assert waiting.reasons[0].startswith("local: ")


def test_a_place_that_becomes_free_goes_to_the_next(room: Room) -> None:
    room.engine._facts = EngineFacts("fake", "1.41", 1.0, 4 * GIB, gateway="192.0.2.1")
    first = add(room, "aaaaaaaaaa", Needs(cpus=4.0, memory=1 * GIB))
    second = add(room, "bbbbbbbbbb", Needs(cpus=4.0, memory=1 * GIB))
    room.place()
    advance_instance(room.desk, first.id)
    room.engine.exits(first.id, 0)
    assert room.place() == []
    room.store.instances.change(first.id, lambda now: replace(now, state=State.STOPPED, ended_at=room.store.clock()))
    assert [record.id for record in room.place()] == [second.id]
    assert room.now(second).reasons == ()


def test_a_selector_that_cannot_be_read_ends_its_instance_and_holds_up_nobody(room: Room) -> None:
    bad = add(room, "aaaaaaaaaa", Needs(selector="gpu in in (a"))
    good = add(room, "bbbbbbbbbb", Needs())
    assert [record.id for record in room.place()] == [good.id]
    advance_instance(room.desk, bad.id)
    now = room.now(bad)
    assert now.state is State.FAILED
    assert now.error is not None
    assert now.error.cause


def test_reasons_are_written_once_and_not_at_every_round(room: Room) -> None:
    record = add(room, "aaaaaaaaaa", Needs(cpus=1000.0))
    room.place()
    revision = room.now(record).revision
    room.place()
    assert room.now(record).revision == revision
