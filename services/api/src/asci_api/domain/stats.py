"""What the controller counts every few seconds, for charts.

Samples are kept at three steps: 10 s for an hour, 1 min for a day, 10 min for a week. They are not durable: with Redis'
data the past of the charts is lost, and nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import fmean

STEPS: tuple[tuple[int, int], ...] = ((10, 3600), (60, 86400), (600, 7 * 86400))
"""Seconds between samples, and for how many seconds such samples are kept."""
MOST_STARTS = 200
"""Starts that one sample remembers; of more every n-th, by duration."""


@dataclass(frozen=True, slots=True)
class NodeSample:
    """One node. Shares are 0 to 1, None where they are not known."""

    cpu: float | None = None
    """Of its cores: used, else promised."""
    memory: float | None = None
    gpus: float | None = None
    """Of its GPUs' slots: taken; None without GPUs."""
    instances: int = 0


@dataclass(frozen=True, slots=True)
class StatsSample:
    """All that was counted at one moment, or the mean over one step."""

    at: float
    """Unix time; of a mean the beginning of its step."""
    instances: dict[str, float] = field(default_factory=dict)
    """State (as people see it) -> how many; without those that ended."""
    queue: float = 0.0
    longest_wait: float = 0.0
    """Seconds that the oldest in the queue has waited; 0 with an empty one."""
    starts: tuple[float, ...] = ()
    """Seconds from click to ready of each start that came true since the last sample."""
    nodes: dict[str, NodeSample] = field(default_factory=dict)


def thinned(samples: Sequence[StatsSample], at: float) -> StatsSample:
    """One sample for several: means, but the longest wait and all starts."""
    return StatsSample(
        at=at,
        instances=_means([sample.instances for sample in samples]),
        queue=round(fmean(sample.queue for sample in samples), 2),
        longest_wait=max(sample.longest_wait for sample in samples),
        starts=_fewer([seconds for sample in samples for seconds in sample.starts]),
        nodes=_nodes(samples),
    )


def percentile(values: Iterable[float], share: float) -> float | None:
    """The nearest-rank percentile; None without values."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None


def _means(counts: Sequence[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in counts for name in each)
    return {name: round(fmean(each.get(name, 0) for each in counts), 2) for name in names}


def _nodes(samples: Sequence[StatsSample]) -> dict[str, NodeSample]:
    seen: dict[str, list[NodeSample]] = defaultdict(list)
    for sample in samples:
        for name, node in sample.nodes.items():
            seen[name].append(node)
    return {name: _node(each) for name, each in seen.items()}


def _node(samples: Sequence[NodeSample]) -> NodeSample:
    def mean(of: Callable[[NodeSample], float | None]) -> float | None:
        known = [value for sample in samples if (value := of(sample)) is not None]
        return round(fmean(known), 3) if known else None

    return NodeSample(
        cpu=mean(lambda each: each.cpu),
        memory=mean(lambda each: each.memory),
        gpus=mean(lambda each: each.gpus),
        instances=round(fmean(sample.instances for sample in samples)),
    )


def _fewer(starts: list[float]) -> tuple[float, ...]:
    if len(starts) <= MOST_STARTS:
        return tuple(starts)
    ordered = sorted(starts)
    return tuple(ordered[index * (len(ordered) - 1) // (MOST_STARTS - 1)] for index in range(MOST_STARTS))
