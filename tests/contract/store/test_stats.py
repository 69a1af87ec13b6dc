"""Samples for charts: kept at three steps, each thinned out of the one before."""

from __future__ import annotations

import pytest

from asci_api.domain.errors import Fenced, Restoring
from asci_api.domain.stats import NodeSample, StatsSample
from tests.support.store_rooms import StoreRoom

BEGIN = 1_800_000_000.0
"""The beginning of a step of each length."""


def sample(at: float, running: float = 1.0, starts: tuple[float, ...] = (), cpu: float | None = 0.5) -> StatsSample:
    nodes = {"local": NodeSample(cpu, 0.25, None, int(running))}
    return StatsSample(at, {"running": running}, 2.0, at - BEGIN, starts, nodes)


def test_samples_come_back_oldest_first(room: StoreRoom) -> None:
    samples = [sample(BEGIN + 10 * number) for number in range(5)]
    for one in samples:
        room.store.stats.add(one)
    assert room.store.stats.since(BEGIN, 10) == samples
    assert room.store.stats.since(BEGIN + 20, 10) == samples[2:]
    assert room.store.stats.since(BEGIN + 100, 10) == []


def test_there_is_one_sample_in_a_step(room: StoreRoom) -> None:
    room.store.stats.add(sample(BEGIN + 4))
    room.store.stats.add(sample(BEGIN + 9))
    room.store.stats.add(sample(BEGIN + 11))
    room.store.stats.add(sample(BEGIN + 1))
    assert [one.at for one in room.store.stats.since(BEGIN, 10)] == [BEGIN + 4, BEGIN + 11]


def test_a_minute_is_the_mean_of_its_samples(room: StoreRoom) -> None:
    for number in range(6):
        room.store.stats.add(sample(BEGIN + 10 * number, float(number), (float(number),), None if number else 0.9))
    assert room.store.stats.since(BEGIN, 60) == []
    room.store.stats.add(sample(BEGIN + 60))
    (minute,) = room.store.stats.since(BEGIN, 60)
    assert (minute.at, minute.instances, minute.queue, minute.longest_wait) == (BEGIN, {"running": 2.5}, 2.0, 50.0)
    assert minute.starts == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    assert minute.nodes == {"local": NodeSample(0.9, 0.25, None, 2)}


def test_ten_minutes_are_the_mean_of_minutes(room: StoreRoom) -> None:
    for number in range(0, 661, 30):
        room.store.stats.add(sample(BEGIN + number, number / 30))
    assert [one.at for one in room.store.stats.since(BEGIN, 60)] == [BEGIN + 60 * minute for minute in range(11)]
    (ten,) = room.store.stats.since(BEGIN, 600)
    assert (ten.at, ten.instances, ten.longest_wait) == (BEGIN, {"running": 9.5}, 570.0)


def test_a_pause_leaves_a_gap_and_loses_nothing_before_it(room: StoreRoom) -> None:
    room.store.stats.add(sample(BEGIN, 3.0))
    room.store.stats.add(sample(BEGIN + 130, 5.0))
    room.store.stats.add(sample(BEGIN + 180, 7.0))
    assert [(one.at, one.instances["running"]) for one in room.store.stats.since(BEGIN, 60)] == [
        (BEGIN, 3.0),
        (BEGIN + 120, 5.0),
    ]


def test_who_no_longer_leads_counts_nothing(room: StoreRoom) -> None:
    fence = room.leadership().acquire()
    assert fence is not None
    stats = room.fenced(fence).stats
    stats.add(sample(BEGIN))
    room.pass_time(7)
    with pytest.raises(Fenced):
        stats.add(sample(BEGIN + 10))
    assert room.store.stats.since(0.0, 10) == [sample(BEGIN)]


def test_the_past_is_lost_with_redis_and_nothing_is_counted_before_the_restore(room: StoreRoom) -> None:
    room.store.stats.add(sample(BEGIN))
    room.lose()
    with pytest.raises(Restoring):
        room.store.stats.add(sample(BEGIN + 10))
    assert room.store.stats.since(0.0, 10) == []
