"""Series in words, columns and small pictures: what the overview's cards and charts show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asci_adminui.words import spark
from asci_adminui.words.amounts import number
from asci_shared.api.cluster import Overview, Stats
from asci_shared.web.words.numbers import duration, short_seconds

STARTING = ("placed", "pulling", "starting")
_POINTS = 240
_ROWS = 24
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Card:
    """One number with its line."""

    label: str
    value: str
    of: str
    """Small words behind the number."""
    below: str
    tone: str
    spark: spark.Spark


@dataclass(frozen=True, slots=True)
class Table:
    """A chart for who cannot see it: fewer rows, the same columns."""

    sentence: str
    columns: tuple[str, ...]
    rows: tuple[tuple[datetime, tuple[str, ...]], ...]


def cards(summary: Overview, stats: Stats) -> tuple[Card, ...]:
    """Running, waiting, start time, GPUs."""
    running = stats.instances.get("running", ())
    return (
        Card(
            "Sessions running",
            number(summary.instances.get("running", 0)),
            "",
            _more(summary, spark.earlier(running, stats.times, _HOUR)),
            "accent",
            spark.draw(running),
        ),
        Card(
            "Waiting in the queue",
            number(summary.queue_length),
            "",
            _longest(summary),
            "wait",
            spark.draw(queue(stats)),
        ),
        Card(
            "Start time, median",
            "–" if summary.start_p50 is None else short_seconds(summary.start_p50),
            "",
            "No start in 24 h" if summary.start_p95 is None else f"95 of 100 in {short_seconds(summary.start_p95)}",
            "accent",
            spark.draw(stats.start_p50),
        ),
        Card(
            "GPUs in use",
            number(round(summary.gpus_used, 1)),
            f"of {summary.gpus_total}",
            _free(summary),
            "accent",
            spark.draw(spark.summed([one.gpus for one in stats.nodes.values()])),
        ),
    )


def _more(summary: Overview, before: float | None) -> str:
    if before is None:
        coming = sum(summary.instances.get(state, 0) for state in STARTING)
        return f"{number(coming)} starting" if coming else "None is starting"
    change = summary.instances.get("running", 0) - round(before)
    if change == 0:
        return "As many as an hour ago"
    return f"{number(abs(change))} {'more' if change > 0 else 'fewer'} than an hour ago"


def _longest(summary: Overview) -> str:
    if summary.queue_length == 0:
        return "Nobody waits"
    return f"Longest: {duration(summary.longest_wait or 0)}"


def _free(summary: Overview) -> str:
    if not summary.gpus_total:
        return "No node has a GPU"
    free = summary.gpus_total - summary.gpus_used
    return f"{number(round(free, 1))} free" if free > 0 else "None is free"


def starting(stats: Stats) -> list[float | None]:
    """Placed, pulling or starting."""
    return spark.summed([stats.instances[state] for state in STARTING if state in stats.instances])


def queue(stats: Stats) -> Sequence[float | None]:
    """Who waits for a place."""
    return stats.queue or stats.instances.get("queued", ())


def columns(stats: Stats) -> dict[str, Any]:
    """For the charts' script: at most 240 points."""
    points = min(_POINTS, len(stats.times))
    parts = {
        "running": stats.instances.get("running", ()),
        "starting": starting(stats),
        "queued": queue(stats),
        "p50": stats.start_p50,
        "p95": stats.start_p95,
    }
    return {
        "times": _times(stats, points),
        **{name: _rounded(_filled(values, points)) for name, values in parts.items()},
        "sentences": {"sessions": sessions_sentence(stats), "start": start_sentence(stats)},
    }


def tables(stats: Stats) -> dict[str, Table]:
    """The same, for reading."""
    rows = min(_ROWS, len(stats.times))
    times = [datetime.fromtimestamp(time, UTC) for time in _times(stats, rows)]
    sessions = [_filled(one, rows) for one in (stats.instances.get("running", ()), starting(stats), queue(stats))]
    starts = [_filled(one, rows) for one in (stats.start_p50, stats.start_p95)]
    return {
        "sessions": Table(
            sessions_sentence(stats),
            ("running", "starting", "queued"),
            tuple((time, tuple(_whole(one[row]) for one in sessions)) for row, time in enumerate(times)),
        ),
        "start": Table(
            start_sentence(stats),
            ("median", "95 of 100"),
            tuple((time, tuple(_seconds(one[row]) for one in starts)) for row, time in enumerate(times)),
        ),
    }


def _times(stats: Stats, points: int) -> list[float]:
    return [round(time) for time in spark.thin(stats.times, points) if time is not None]


def _filled(values: Sequence[float | None], points: int) -> list[float | None]:
    return spark.thin(values, points) if values else [None] * points


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 2) for value in values]


def _whole(value: float | None) -> str:
    return "–" if value is None else number(round(value))


def _seconds(value: float | None) -> str:
    return "–" if value is None else short_seconds(value)


def sessions_sentence(stats: Stats) -> str:
    """What the chart of sessions shows."""
    running = [value for value in stats.instances.get("running", ()) if value is not None]
    if not running:
        return "Sessions over time: nothing is sampled yet."
    return (
        f"Sessions over time: {number(round(running[-1]))} running now, "
        f"between {number(round(min(running)))} and {number(round(max(running)))}."
    )


def start_sentence(stats: Stats) -> str:
    """What the chart of start times shows."""
    median, slow = spark.latest(stats.start_p50), spark.latest(stats.start_p95)
    if median is None or slow is None:
        return "Start time over time: no start in this time."
    return f"Start time over time: median {short_seconds(median)} at last, 95 of 100 within {short_seconds(slow)}."
