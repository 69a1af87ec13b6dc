"""Numbers as people read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asci_shared.web.words import numbers

DURATIONS = json.loads((Path(__file__).parent / "durations.json").read_text())


def plain(text: str) -> str:
    """With ordinary blanks, for tables that people can type."""
    return text.replace(numbers.SPACE, " ")


@pytest.mark.parametrize(("seconds", "words"), DURATIONS)
def test_durations(seconds: float, words: str) -> None:
    assert plain(numbers.duration(seconds)) == words


def test_a_number_is_never_torn_from_its_unit() -> None:
    assert numbers.duration(11520) == "3\u00a0h 12\u00a0min"
    assert numbers.size(16 * 1024**3) == "16\u00a0GB"
    assert numbers.counted(4, "core", "cores") == "4\u00a0cores"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.12, "0.1 s"), (2.0, "2 s"), (9.94, "9.9 s"), (25.4, "25 s"), (119, "119 s"), (130, "2 min")],
)
def test_short_seconds(seconds: float, words: str) -> None:
    assert plain(numbers.short_seconds(seconds)) == words


@pytest.mark.parametrize(
    ("number", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"),
                         (21, "21st"), (102, "102nd"), (111, "111th")],
)  # fmt: skip
def test_ordinals(number: int, word: str) -> None:
    assert numbers.ordinal(number) == word


@pytest.mark.parametrize(
    ("count", "words"),
    [(2 * 1024**3, "2 GB"), (1536 * 1024**2, "1.5 GB"), (512 * 1024**2, "512 MB"), (384 * 1024**3, "384 GB")],
)
def test_sizes(count: int, words: str) -> None:
    assert plain(numbers.size(count)) == words


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1 core"), (1.0, "1 core"), (2.0, "2 cores"), (0.5, "0.5 cores"), (0, "0 cores")]
)
def test_counted(number: float, words: str) -> None:
    assert plain(numbers.counted(number, "core", "cores")) == words


@pytest.mark.parametrize(
    ("names", "words"),
    [([], ""), (["Jun"], "Jun"), (["You", "Jun"], "You and Jun"), (["You", "Jun", "Aiko"], "You, Jun and Aiko")],
)
def test_lists(names: list[str], words: str) -> None:
    assert numbers.listed(names) == words


def test_times() -> None:
    at = datetime(2026, 11, 4, 8, 5, 9, tzinfo=UTC)
    assert numbers.utc(at) == "2026-11-04T08:05:09Z"
    assert plain(numbers.clock(at)) == "4 November, 08:05 UTC"


def test_long_ids_are_cut() -> None:
    assert numbers.short_ids(f"container {'0a' * 32} is away") == "container 0a0a0a0a0a0a is away"
    assert numbers.short_ids("container 0a0a0a0a0a0a on node-3") == "container 0a0a0a0a0a0a on node-3"
