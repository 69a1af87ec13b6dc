"""The load of a node from a few measurements at each look."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asci_api.domain.errors import EngineAway
from asci_api.domain.node import Load
from asci_api.domain.ports import Usage
from asci_api.engine.observed import usage_of
from asci_api.work.measure_load import AT_A_LOOK, LoadMeter
from tests.support.controller_room import Room, simple_spec
from tests.support.people import queued

MIB = 1024**2


def run(room: Room, number: int) -> str:
    container = room.engine.create(simple_spec(queued(f"load{number:06}")))
    room.engine.start(container)
    return container


def test_cores_in_use_come_from_two_measurements(room: Room) -> None:
    meter = LoadMeter(room.store.clock)
    container = run(room, 1)
    room.engine.containers[container].usage = Usage(10.0, 50 * MIB)
    assert meter.measure(room.engine, room.engine.observe(), 8.0) is None
    room.store.clock.advance(5)
    room.engine.containers[container].usage = Usage(20.0, 60 * MIB)
    assert meter.measure(room.engine, room.engine.observe(), 8.0) == Load(25.0, 60 * MIB)


def test_few_are_measured_at_a_look_and_all_in_turn(room: Room) -> None:
    meter = LoadMeter(room.store.clock)
    containers = {run(room, number) for number in range(AT_A_LOOK + 2)}
    for _ in range(2):
        room.engine.calls.clear()
        meter.measure(room.engine, room.engine.observe(), 8.0)
        room.store.clock.advance(5)
        asked = {subject for name, subject in room.engine.calls if name == "usage"}
        assert len(asked) == AT_A_LOOK
        containers -= asked
    assert containers == set()


def test_what_is_known_of_some_is_taken_for_all(room: Room) -> None:
    meter = LoadMeter(room.store.clock)
    for number in range(AT_A_LOOK):
        run(room, number)
    seen = room.engine.observe()
    for at in range(2):
        for one in room.engine.containers.values():
            one.usage = replace(one.usage, cpu_seconds=2.0 * at, memory=10 * MIB)
        load = meter.measure(room.engine, seen, 8.0)
        room.store.clock.advance(10)
    assert load == Load(100 * 0.2 * AT_A_LOOK / 8, AT_A_LOOK * 10 * MIB)
    room.engine.fail("usage", EngineAway("local"))
    more = (*seen, *(replace(seen[0], container=f"new{at}") for at in range(AT_A_LOOK)))
    assert meter.measure(room.engine, more, 8.0) == Load(2 * 100 * 0.2 * AT_A_LOOK / 8, 2 * AT_A_LOOK * 10 * MIB)


def test_an_empty_node_uses_nothing_and_a_silent_one_says_nothing(room: Room) -> None:
    meter = LoadMeter(room.store.clock)
    assert meter.measure(room.engine, [], 8.0) == Load(0.0, 0)
    run(room, 1)
    seen = room.engine.observe()
    room.engine.away = True
    assert meter.measure(room.engine, seen, 8.0) is None


@pytest.mark.parametrize(
    ("stats", "usage"),
    [
        (
            {
                "cpu_stats": {"cpu_usage": {"total_usage": 1_500_000_000}},
                "memory_stats": {"usage": 100 * MIB, "stats": {"inactive_file": 40 * MIB}},
            },
            Usage(1.5, 60 * MIB),
        ),
        (
            {
                "cpu_stats": {"cpu_usage": {"total_usage": 1_000_000_000}},
                "memory_stats": {"usage": 100 * MIB, "stats": {"total_inactive_file": 30 * MIB}},
            },
            Usage(1.0, 70 * MIB),
        ),
        ({"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}, None),
        ({}, None),
    ],
)
def test_an_engine_s_statistics_are_read(stats: dict[str, object], usage: Usage | None) -> None:
    assert usage_of(stats) == usage
