"""Amounts as administrators read them."""

from __future__ import annotations

from asci_shared.web.words.numbers import SPACE, counted, size

_FULL, _MUCH = 1.0, 0.8


def percent(share: float | None) -> str:
    """``0.82`` -> ``82 %``; a dash where it is not known."""
    return "–" if share is None else f"{round(100 * share)}{SPACE}%"


def number(value: float | None) -> str:
    """``1200`` -> ``1,200``, ``0.5`` -> ``0.5``; a dash where it is not known."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0")


def tone(share: float | None) -> str:
    """Colour of a bar: calm until four fifths, then a warning, and red where more is promised than there is."""
    if share is None or share < _MUCH:
        return "accent"
    return "bad" if share > _FULL else "wait"


def cut(text: str, longest: int) -> str:
    """The text, ended with an ellipsis where it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def people(count: int) -> str:
    """``nobody``, ``1 person``, ``7 people``."""
    return "nobody" if count == 0 else counted(count, "person", "people")


def sessions(count: int) -> str:
    """``no session``, ``1 session``, ``9 sessions``."""
    return "no session" if count == 0 else counted(count, "session", "sessions")


def of(used: float, whole: int | None) -> str:
    """``2 of 4``; ``2`` where there is no limit."""
    return number(used) if whole is None else f"{number(used)} of {whole}"


def cores(cpus: float) -> str:
    """``32 cores``."""
    return counted(round(cpus, 2), "core", "cores")


def amount(cpus: float, memory: int, gpus: int = 0) -> str:
    """``4 cores, 16 GB, 1 GPU``."""
    parts = [cores(cpus), size(memory), *([counted(gpus, "GPU", "GPUs")] if gpus else [])]
    return ", ".join(parts)
