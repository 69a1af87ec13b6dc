"""What a node's instances use, from a few of them at each look: measuring all would be dear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asci_api.domain.errors import EngineFault
from asci_api.domain.node import Load
from asci_api.domain.ports import Clock, Engine, Observed, Usage

LEAST_PAUSE = 4.0
"""Seconds between two looks that measure."""
AT_A_LOOK = 4
"""Containers that are measured at each look; the others keep what was measured last."""


@dataclass(frozen=True, slots=True)
class _Measured:
    at: float
    usage: Usage
    cores: float | None = None
    """In use between the last two measurements; None before the second."""


class LoadMeter:
    """Of one node, for one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Measured] = {}
        self._measured_at = 0.0

    def measure(self, engine: Engine, containers: Sequence[Observed], cores: float) -> Load | None:
        """What runs there uses; None before it is known of any. Never raises for an engine that fails."""
        running = [seen.container for seen in containers if seen.status == "running"]
        self._known = {name: one for name, one in self._known.items() if name in running}
        for name in self._due(running):
            try:
                usage = engine.usage(name)
            except EngineFault:
                break
            if usage is not None:
                self._known[name] = self._between(self._known.get(name), _Measured(self._clock(), usage))
        if not running:
            return Load(0.0, 0)
        known = [one for one in self._known.values() if one.cores is not None]
        if not known or cores <= 0:
            return None
        used = sum(one.cores or 0.0 for one in known) * len(running) / len(known)
        memory = sum(one.usage.memory for one in known) * len(running) // len(known)
        return Load(round(100 * used / cores, 1), memory)

    def _due(self, running: Sequence[str]) -> list[str]:
        """Those that were measured longest ago; none right after the last ones, when events hurry the looks."""
        now = self._clock()
        if now - self._measured_at < LEAST_PAUSE:
            return []
        self._measured_at = now
        longest_ago = sorted(running, key=lambda name: self._known[name].at if name in self._known else 0.0)
        return longest_ago[:AT_A_LOOK]

    def _between(self, before: _Measured | None, now: _Measured) -> _Measured:
        if before is None or now.at <= before.at:
            return now
        used = max(now.usage.cpu_seconds - before.usage.cpu_seconds, 0.0)
        return _Measured(now.at, now.usage, used / (now.at - before.at))
