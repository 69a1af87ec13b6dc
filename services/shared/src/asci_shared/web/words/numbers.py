"""Numbers with units, as people read them. Units stand behind a no-break space."""

from __future__ import annotations

import re
from datetime import datetime

SPACE = "\u00a0"
_GB = 1024**3
_MB = 1024**2


def duration(seconds: float) -> str:
    """``12 s``, ``45 min``, ``3 h 12 min``, ``6 days 4 h``; never negative, cut and not rounded."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}{SPACE}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if hours == 0:
        return f"{minutes}{SPACE}min"
    if days == 0:
        return _pair(hours, "h", minutes % 60, "min")
    return _pair(days, "day" if days == 1 else "days", hours % 24, "h")


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    first = f"{large}{SPACE}{large_unit}"
    return f"{first} {small}{SPACE}{small_unit}" if small else first


def short_seconds(seconds: float) -> str:
    """``0.1 s`` below ten seconds, ``25 s`` below two minutes, then as :func:`duration`."""
    if seconds < 10:
        text = f"{seconds:.1f}".removesuffix(".0")
        return f"{text}{SPACE}s"
    return f"{round(seconds)}{SPACE}s" if seconds < 120 else duration(seconds)


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``4th``, ``11th``."""
    suffix = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def size(count: int) -> str:
    """Bytes as ``16 GB`` or ``512 MB`` (binary, as memory is sold)."""
    if count >= _GB:
        text = f"{count / _GB:.1f}".removesuffix(".0")
        return f"{text}{SPACE}GB"
    return f"{round(count / _MB)}{SPACE}MB"


def counted(number: float, one: str, many: str) -> str:
    """``1 core``, ``4 cores``, ``0.5 cores``."""
    text = f"{number:g}"
    return f"{text}{SPACE}{one if number == 1 else many}"


def listed(names: list[str]) -> str:
    """``Jun``, ``You and Jun``, ``You, Jun and Aiko``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def utc(time: datetime) -> str:
    """For ``<time datetime>``: RFC 3339 in UTC, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(time: datetime) -> str:
    """What stands in ``<time>`` until the script writes the reader's own zone."""
    return time.strftime(f"%d %B, %H:%M{SPACE}UTC").lstrip("0")


_LONG_ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")


def short_ids(text: str) -> str:
    """Containers' ids cut to the 12 characters that engines show."""
    return _LONG_ID.sub(r"\1", text)
