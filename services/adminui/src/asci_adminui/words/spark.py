"""Small pictures of a series, as SVG paths made here: no script, no inline style."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 96.0, 28.0
_POINTS = 48


@dataclass(frozen=True, slots=True)
class Spark:
    """A line and the area under it, in a box of WIDTH x HEIGHT; empty where there is nothing to draw."""

    line: str
    area: str


def thin(values: Sequence[float | None], most: int = _POINTS) -> list[float | None]:
    """At most so many values: the mean of each stretch, None where nothing of it was sampled."""
    if len(values) <= most:
        return list(values)
    edges = [round(number * len(values) / most) for number in range(most + 1)]
    return [_mean(values[start:end]) for start, end in itertools.pairwise(edges)]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def draw(
    values: Sequence[float | None], top: float | None = None, width: float = WIDTH, height: float = HEIGHT
) -> Spark:
    """The series from its least (or from 0 up to ``top``, where one is given); gaps are bridged."""
    points = [(number, value) for number, value in enumerate(thin(values)) if value is not None]
    if len(points) < 2:
        return Spark("", "")
    least = 0.0 if top is not None else min(value for _, value in points)
    span = (max(value for _, value in points) if top is None else top) - least
    first, last = points[0][0], points[-1][0]
    placed = [(width * (number - first) / (last - first), _y(value, least, span, height)) for number, value in points]
    line = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
    return Spark(line, f"{line} L{width:.1f} {height:.1f} L0 {height:.1f} Z")


def _y(value: float, least: float, span: float, height: float) -> float:
    inner = height - 4  # the stroke has room above and below
    return height - 2 - inner * (min(1.0, (value - least) / span) if span else 0.5)


def summed(series: Sequence[Sequence[float | None]]) -> list[float | None]:
    """The sum at each time; None where no series knows."""
    length = max((len(one) for one in series), default=0)
    columns = ([one[number] for one in series if number < len(one)] for number in range(length))
    return [_sum(column) for column in columns]


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def latest(values: Sequence[float | None]) -> float | None:
    """The last known value."""
    return next((value for value in reversed(values) if value is not None), None)


def earlier(values: Sequence[float | None], times: Sequence[float], seconds: float) -> float | None:
    """The value that many seconds before the last time; None where the series is shorter."""
    if not times or times[-1] - times[0] < seconds:
        return None
    wanted = times[-1] - seconds
    known = [(abs(time - wanted), value) for time, value in zip(times, values, strict=False) if value is not None]
    return min(known)[1] if known else None
