"""What was measured, in numbers that people compare: medians side by side with their targets."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table. ``unit`` is behind ``value``, ``beside`` and ``target``; a target is at most."""

    what: str
    value: float
    unit: str
    target: float | None = None
    beside: str = ""
    """What it is compared with, in words."""
    values: tuple[float, ...] = ()

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "ok" if self.value <= self.target else "over"


def median_of(what: str, values: Sequence[float], unit: str, target: float | None = None, beside: str = "") -> Figure:
    """The median, with its spread beside it."""
    spread = f"{min(values):.3g} to {max(values):.3g}, {len(values)} times"
    return Figure(
        what, statistics.median(values), unit, target, f"{beside}; {spread}" if beside else spread, tuple(values)
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(figures: Sequence[Figure]) -> str:
    """Aligned columns for a terminal and for Markdown."""
    head = ("what", "measured", "target", "", "beside it")
    rows = [head] + [
        (f.what, f"{f.value:.4g} {f.unit}", "" if f.target is None else f"≤ {f.target:g} {f.unit}", f.verdict, f.beside)
        for f in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def as_json(figures: Sequence[Figure]) -> str:
    """Everything, for comparing runs."""
    return json.dumps([asdict(figure) for figure in figures], indent=1, ensure_ascii=False)
