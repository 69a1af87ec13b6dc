"""Since when nothing broke: neither the records, nor this controller, nor the machine's clock."""

from __future__ import annotations

import time
from collections.abc import Callable

from asci_api.domain.ports import Clock
from asci_shared.logging import get_logger

MOST_DRIFT = 60.0
"""Seconds by which the wall clock may part from the monotonic one between two questions."""
_log = get_logger(__name__)


class Steadiness:
    """Begins at its making, and anew at every break and every jump of the clock."""

    def __init__(self, wall: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._since = self._wall_before = wall()
        self._monotonic_before = monotonic()

    def since(self) -> float:
        """Unix time, by the clock as it stands now."""
        wall, monotonic = self._wall(), self._monotonic()
        jump = (wall - self._wall_before) - (monotonic - self._monotonic_before)
        self._wall_before, self._monotonic_before = wall, monotonic
        if abs(jump) > MOST_DRIFT:
            _log.error("clock.jumped", seconds=round(jump, 1))
            self._since = wall
        return self._since

    def broken(self) -> None:
        """Something was away until now."""
        self._since = self._wall()
