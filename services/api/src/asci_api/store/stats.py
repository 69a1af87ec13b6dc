"""Samples for charts: a stream for each step of time, thinned out into the next while they come."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from asci_api.domain.stats import STEPS, StatsSample, thinned
from asci_api.store import codec, keys
from asci_api.store.redis import Door, answering


@dataclass(frozen=True, slots=True)
class RedisStats:
    """Satisfies ``Stats``."""

    door: Door

    def add(self, sample: StatsSample) -> None:
        finest = STEPS[0][0]
        if not self._put(finest, sample, _step_of(sample.at, finest)):
            return
        for (fine, _), (coarse, _) in pairwise(STEPS):
            for at, samples in self._due(fine, coarse, sample.at):
                self._put(coarse, thinned(samples, float(at)), at)

    def since(self, at: float, step: int) -> list[StatsSample]:
        return self._between(step, int(at * 1000), "+")

    def _due(self, fine: int, coarse: int, now: float) -> Iterator[tuple[int, Sequence[StatsSample]]]:
        """The coarse steps that are over and not thinned out yet, with their samples."""
        with answering():
            last: Any = self.door.client.xrevrange(keys.stats(coarse), count=1)
        begin = int(last[0][0].partition(b"-")[0]) + coarse * 1000 if last else 0
        end = _step_of(now, coarse) * 1000 - 1
        if begin > end:
            return
        for at, samples in groupby(self._between(fine, begin, str(end)), lambda each: _step_of(each.at, coarse)):
            yield at, list(samples)

    def _between(self, step: int, begin: int, end: str) -> list[StatsSample]:
        with answering():
            found: Any = self.door.client.xrange(keys.stats(step), str(max(begin, 0)), end)
        return [codec.decode(StatsSample, zlib.decompress(fields[b"sample"])) for _, fields in found]

    def _put(self, step: int, sample: StatsSample, at: int) -> bool:
        packed = zlib.compress(codec.encode(sample).encode())
        oldest = max(0, at - dict(STEPS)[step]) * 1000
        return bool(self.door.write("stats_add", [keys.stats(step)], [at * 1000, packed, oldest]) == 1)


def _step_of(at: float, step: int) -> int:
    """The beginning of the step that ``at`` falls into."""
    return int(at) // step * step
