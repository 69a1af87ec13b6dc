"""Series for charts: samples on one axis of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asci_api.domain.identity import Caller
from asci_api.domain.stats import NodeSample, StatsSample, percentile, thinned
from asci_api.work.find_nodes import must_be_admin
from asci_api.work.front_desk import FrontDesk
from asci_api.work.moments import moment

Json = dict[str, Any]
Slots = Sequence[StatsSample | None]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time up to now. All in seconds."""

    length: int
    step: int
    """Between two points."""
    kept: int
    """The step of ``domain/stats.STEPS`` that it is made of."""


WINDOWS: Mapping[str, Window] = {
    "1h": Window(3600, 10, 10),
    "6h": Window(6 * 3600, 60, 60),
    "24h": Window(86400, 300, 60),
    "7d": Window(7 * 86400, 1800, 600),
}


def series(desk: FrontDesk, caller: Caller, name: str) -> Json:
    """The JSON object of all series of a window. Raises ``NotAllowed``."""
    must_be_admin(caller)
    window, now = WINDOWS[name], desk.clock()
    end = int(now) // window.step * window.step
    begin = end - window.length + window.step
    times = list(range(begin, end + 1, window.step))
    slots = _slots(desk.stats.since(begin, window.kept), times, window.step)
    return {
        "from": moment(begin),
        "to": moment(now),
        "step_seconds": window.step,
        "times": times,
        "instances": _by_state(slots),
        "queue": _values(slots, lambda one: one.queue),
        "longest_wait_seconds": _values(slots, lambda one: round(one.longest_wait, 1)),
        "start_seconds": {
            "p50": _values(slots, lambda one: percentile(one.starts, 0.5)),
            "p95": _values(slots, lambda one: percentile(one.starts, 0.95)),
        },
        "nodes": _nodes(slots),
    }


def _slots(samples: Sequence[StatsSample], times: Sequence[int], step: int) -> Slots:
    """One sample for each point, None where nothing was sampled."""
    found: dict[int, list[StatsSample]] = defaultdict(list)
    for sample in samples:
        found[int(sample.at) // step * step].append(sample)
    return [_one(found[at], at) if at in found else None for at in times]


def _one(samples: Sequence[StatsSample], at: int) -> StatsSample:
    return samples[0] if len(samples) == 1 else thinned(samples, at)


def _values(slots: Slots, of: Callable[[StatsSample], float | None]) -> list[float | None]:
    return [None if slot is None else of(slot) for slot in slots]


def _by_state(slots: Slots) -> dict[str, list[float | None]]:
    states = dict.fromkeys(state for slot in slots if slot is not None for state in slot.instances)
    return {state: [None if slot is None else slot.instances.get(state, 0) for slot in slots] for state in states}


def _nodes(slots: Slots) -> dict[str, Json]:
    names = sorted({name for slot in slots if slot is not None for name in slot.nodes})
    return {name: _node([None if slot is None else slot.nodes.get(name) for slot in slots]) for name in names}


def _node(samples: Sequence[NodeSample | None]) -> Json:
    return {
        "cpu": [one and one.cpu for one in samples],
        "memory": [one and one.memory for one in samples],
        "gpus": [one and one.gpus for one in samples],
        "instances": [one and one.instances for one in samples],
    }
