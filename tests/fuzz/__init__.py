"""Targets for fuzzing the relay: each is a module with ``one_input(data)``, which fails where the code is wrong.

``make fuzz`` feeds them from atheris; ``make test`` replays ``corpus/`` and feeds them from hypothesis for a moment.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

TARGETS = ("frames", "handshakes", "channel", "link", "applications")
CORPUS = Path(__file__).parent / "corpus"
"""``corpus/TARGET/…``: inputs that once went wrong, and a few that show the way in."""


class Target(Protocol):
    """A module of this package."""

    def one_input(self, data: bytes) -> None:
        """Play what ``data`` says. Raises AssertionError, or whatever the code under test lets out."""


def target(name: str) -> Target:
    """The module of that name."""
    return cast("Target", import_module(f"{__package__}.{name}"))
