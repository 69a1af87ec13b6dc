"""What docs/reference/metrics.md promises of the proxy."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/metrics.md"


def promised() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name, as in the exposition, to type and labels."""
    return {cells[0]: (cells[1], tuple(sorted(_words(cells[2])))) for cells in _rows("| metric |")}


def reasons() -> list[str]:
    """The reasons of refusals, in order."""
    return [word for cells in _rows("| reason |") for word in _words(f"`{cells[0]}`")]


def _rows(head: str) -> list[list[str]]:
    """The cells of a table's rows; the first one without its quotes."""
    table = PAGE.read_text().split(head, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return [[row[0].strip("`"), *row[1:]] for row in rows]


def _words(cell: str) -> list[str]:
    return re.findall(r"`([\w-]+)`", cell)
