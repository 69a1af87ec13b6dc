"""Waiting for what becomes true by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def eventually(look: Callable[[], Seen | None], *, within: float, what: str, pause: float = 0.1) -> Seen:
    """The first truthy answer of ``look``. Raises TimeoutError that names what was waited for and seen last."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {within:g} s for {what}; last seen: {seen!r}")
        time.sleep(pause)
