"""What is measured, and what is read from a run of the load client (``wsb load`` prints one JSON object)."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Run = Mapping[str, Any]
Runs = Mapping[str, Sequence[Run]]
"""Of one measure: the runs of each system."""


@dataclass(frozen=True)
class Measure:
    """One row of rounds. ``tickets`` is how many connections a run opens at most."""

    name: str
    title: str
    arguments: tuple[str, ...]
    tickets: int
    columns: tuple[str, ...]
    once: bool = False
    without: tuple[str, ...] = ()
    """Systems that this would put the whole machine under."""
    seconds: float = 90.0
    """How long one run may take."""


def all_measures(seconds: float, idle: int) -> list[Measure]:
    """Every measure, with runs of so many seconds and so many idle connections."""
    long = str(max(2.0, seconds))
    bulk = ("MBps", "cpu_s_per_GB", "cpu_util")
    pings = ("p50_us", "p99_us", "p999_us", "cpu_us_per_msg", "bg_MBps")
    timed = ("--secs", str(seconds), "--warm", "0.3")
    ping = ("--mode", "ping", "--hz", "20", "--secs", long, "--warm", "0.5")
    return [
        Measure(
            "verify", "every byte of 8 streams compared",
            ("--mode", "verify", "--conns", "8", "--secs", "0.5", "--warm", "0.2"), 8, ("verified_bytes",), once=True,
        ),
        *(
            Measure(
                f"bulk{size}", f"8 streams, written {size} KiB at a time",
                ("--mode", "bulk", "--conns", "8", "--chunk", str(size), *timed), 8, bulk,
            )
            for size in (64, 1024)
        ),
        Measure(
            "ping", "500 connections x 20 Hz beside 8 streams of 64 KiB every 20 ms",
            (*ping, "--conns", "500", "--bg", "8", "--bgkib", "64", "--bgms", "20"), 508, pings,
        ),
        Measure(
            "fair", "20 connections x 20 Hz beside one stream of 1 MiB every 3 ms",
            (*ping, "--conns", "20", "--bg", "1", "--bgkib", "1024", "--bgms", "3"), 21, pings,
        ),
        Measure(
            "upload", "4 streams to the desktop, masked frames of 64 KiB",
            ("--mode", "upload", "--conns", "4", "--chunk", "64", *timed), 4, bulk,
        ),
        Measure(
            "rate", "connections set up, 32 in flight",
            ("--mode", "rate", "--inflight", "32", "--secs", long, "--warm", "0.3"), 12_000,
            ("per_s", "cpu_us_per_conn", "p50_us", "p99_us", "failed"),
        ),
        Measure(
            "idle", f"{idle} idle connections",
            ("--mode", "idle", "--conns", str(idle), "--secs", "1"), idle,
            ("rss_kib_per_conn", "pss_kib_per_conn", "idle_cpu_pct"), once=True, without=("websockify", "raw-splice"),
            seconds=180.0,
        ),
    ]  # fmt: skip


def median(runs: Sequence[Run], column: str) -> float | None:
    """The median of the runs that succeeded."""
    values = [run[column] for run in runs if column in run]
    return statistics.median(values) if values else None


def table(measure: Measure, runs: Runs) -> str:
    """Medians of one measure in Markdown."""
    head = f"| system | {' | '.join(measure.columns)} |\n|{'---|' * (len(measure.columns) + 1)}"
    rows = []
    for system, some in runs.items():
        cells = [median(some, column) for column in measure.columns]
        rows.append(
            f"| {system} | " + " | ".join("failed" if cell is None else f"{cell:,.4g}" for cell in cells) + " |"
        )
    return f"**{measure.title}**\n\n{head}\n" + "\n".join(rows) + "\n"


@dataclass(frozen=True)
class Goal:
    """A row of what is to be reached: our median of a column, over a peer's where there is one."""

    what: str
    measure: str
    column: str
    peer: str
    bound: float
    stretch: float
    at_least: bool = False

    def row(self, results: Mapping[str, Runs], own: str) -> str | None:
        """Its line in Markdown, or None where it was not measured."""
        runs = results.get(self.measure, {})
        value = median(runs.get(own, ()), self.column)
        beside = median(runs.get(self.peer, ()), self.column) if self.peer else 1.0
        if value is None or not beside:
            return None
        ratio = value / beside
        good = ratio >= self.bound if self.at_least else ratio <= self.bound
        sign, number = ("≥" if self.at_least else "≤"), f"{ratio:,.4g}"
        verdict = "yes" if good else "**no**"
        cells = (self.what, self.peer or "-", number, f"{sign} {self.bound:.3g}", f"{sign} {self.stretch:.3g}", verdict)
        return f"| {' | '.join(cells)} |"


GOALS = (
    *(
        Goal(f"CPU per byte, {title}", measure, "cpu_s_per_GB", peer, bound, stretch)
        for measure, title in (("bulk64", "8 x 64 KiB"), ("bulk1024", "8 x 1 MiB"))
        for peer, bound, stretch in (("websockify", 0.5, 0.4), ("nginx256k", 1.0, 0.85), ("raw-copy", 1.05, 0.8))
    ),
    Goal("bytes a second, 8 x 64 KiB", "bulk64", "MBps", "websockify", 1.6, 1.9, at_least=True),
    Goal("bytes a second, 8 x 1 MiB", "bulk1024", "MBps", "websockify", 1.6, 1.9, at_least=True),
    Goal("p50 of 500 x 20 Hz", "ping", "p50_us", "raw-copy", 1.15, 1.05),
    Goal("p99 of 500 x 20 Hz", "ping", "p99_us", "nginx256k", 1.0, 0.8),
    Goal("p99 beside one stream of 350 MB/s", "fair", "p99_us", "raw-copy", 1.4, 1.1),
    Goal("p99 beside one stream of 350 MB/s", "fair", "p99_us", "websockify", 0.5, 0.35),
    Goal("KiB for an idle connection", "idle", "rss_kib_per_conn", "", 3.0, 1.5),
    Goal("set-ups a second", "rate", "per_s", "", 1400, 2000, at_least=True),
    Goal("set-ups a second", "rate", "per_s", "websockify", 12, 12, at_least=True),
    Goal("CPU of a set-up", "rate", "cpu_us_per_conn", "websockify", 1 / 12, 1 / 12),
)


def goals(results: Mapping[str, Runs], own: str) -> str:
    """All goals that were measured, in Markdown."""
    rows = [row for goal in GOALS if (row := goal.row(results, own)) is not None]
    if not rows:
        return ""
    head = "| what | over | measured | goal | stretch | reached |\n|---|---|---|---|---|---|"
    return f"{head}\n" + "\n".join(rows) + "\n"
