"""The catalogue in words: kinds, needs, readiness, and what a search finds."""

from __future__ import annotations

from dataclasses import dataclass

from asci_shared.api.models import Environment, Needs
from asci_shared.web.words.numbers import SPACE, counted, duration, size

KINDS = {"desktop": "Desktops", "web": "Notebooks", "service": "Services"}
ICONS = {"desktop": "monitor", "web": "notebook-pen", "service": "server"}


@dataclass(frozen=True, slots=True)
class Chip:
    """A kind with how many of it there are; ``kind`` is empty for all."""

    kind: str
    word: str
    count: int


@dataclass(frozen=True, slots=True)
class Readiness:
    """When it would start: a tone of colour and words."""

    tone: str
    words: str
    button: str


def chips(environments: tuple[Environment, ...]) -> list[Chip]:
    """All, then the kinds that exist; none at all when there is but one kind."""
    present = [kind for kind in KINDS if any(environment.kind == kind for environment in environments)]
    if len(present) < 2:
        return []
    counts = [Chip(kind, KINDS[kind], sum(e.kind == kind for e in environments)) for kind in present]
    return [Chip("", "All", len(environments)), *counts]


def haystack(environment: Environment) -> str:
    """What a search looks through: name, title, technique, program."""
    parts = (environment.name, environment.title, environment.description, *environment.tags)
    return " ".join(parts).lower()


def found(environment: Environment, text: str, kind: str) -> bool:
    """Whether every word of the search is in it, and the kind fits."""
    words = text.lower().split()
    hay = haystack(environment)
    return (not kind or environment.kind == kind) and all(word in hay for word in words)


def readiness(environment: Environment) -> Readiness:
    """In words, with the button's: Start, or Join the queue where people wait."""
    if not environment.startable:
        return Readiness("locked", environment.reason or "Not open to you.", "Start")
    if environment.waiting:
        return Readiness("wait", f"{counted(environment.waiting, 'waits', 'wait')} for a place", "Join the queue")
    if environment.usual_seconds is None:
        return Readiness("ok", "Ready in a few seconds", "Start")
    return Readiness("ok", f"Starts in about {_about(environment.usual_seconds)}", "Start")


def _about(seconds: float) -> str:
    return f"{max(1, round(seconds))}{SPACE}s" if seconds < 90 else duration(seconds)


def gpus(needs: Needs) -> str:
    """``1 GPU``, ``2 GPUs``, ``a share of a GPU``; empty without."""
    if needs.gpu is None:
        return ""
    return "GPU, shared" if needs.gpu.mode == "shared" else counted(needs.gpu.count, "GPU", "GPUs")


def cores(needs: Needs) -> str:
    """``4 cores``."""
    return counted(needs.cpus, "core", "cores")


def memory(needs: Needs) -> str:
    """``16 GB``."""
    return size(needs.memory)
