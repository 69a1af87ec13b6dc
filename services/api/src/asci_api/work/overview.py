"""The cluster in a few numbers, and what needs somebody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from asci_api.domain.identity import Caller
from asci_api.domain.instance import ENDED, Instance, State
from asci_api.domain.node import Node, NodeState
from asci_api.domain.stats import STEPS, StatsSample, percentile
from asci_api.work.attention import RECENT, Concern, View, concerns
from asci_api.work.find_nodes import must_be_admin, nodes_now
from asci_api.work.front_desk import FrontDesk
from asci_api.work.present_instance import shown_state

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first page of admins says."""

    at: float
    nodes: dict[str, int]
    """``total``, and how many are in which state."""
    instances: dict[str, int]
    """By state as people see it, without those that ended."""
    waiting: int
    longest_wait: float | None
    """Seconds; None without a queue."""
    starts: tuple[float, ...]
    """Seconds from click to ready of each start of the last day."""
    gpus_total: int
    gpus_used: int
    attention: tuple[Concern, ...]

    def start_percentile(self, share: float) -> float | None:
        return percentile(self.starts, share)


def overview(desk: FrontDesk, caller: Caller) -> Overview:
    """Count everything. Raises ``NotAllowed``, ``Restoring``."""
    must_be_admin(caller)
    now = desk.clock()
    records = desk.instances.all()
    active = [one for one in records if not one.ended]
    nodes = nodes_now(desk)
    waiting = [one for one in active if one.state is State.QUEUED and one.stop is None]
    gpus = [gpu for node in nodes or () for gpu in node.gpus]
    return Overview(
        at=now,
        nodes=_by_state(nodes or ()),
        instances=_instances(active),
        waiting=len(waiting),
        longest_wait=max((now - one.created_at for one in waiting), default=None),
        starts=tuple(seconds for sample in samples_since(desk, now - DAY) for seconds in sample.starts),
        gpus_total=len(gpus),
        gpus_used=sum(1 for gpu in gpus if not gpu.whole),
        attention=tuple(concerns(_view(desk, now, nodes, active, records))),
    )


def samples_since(desk: FrontDesk, begin: float) -> list[StatsSample]:
    """Samples from ``begin`` to now, each stretch at the coarsest step that it is kept in, oldest first."""
    found: list[StatsSample] = []
    for step, _ in reversed(STEPS):
        came = desk.stats.since(begin, step)
        if came:
            found += came
            begin = came[-1].at // step * step + step
    return found


def _view(
    desk: FrontDesk, now: float, nodes: list[Node] | None, active: list[Instance], records: list[Instance]
) -> View:
    return View(
        now=now,
        nodes=nodes,
        active=active,
        failed=[one for one in records if one.state is State.FAILED and (one.ended_at or 0.0) > now - RECENT],
        leader=desk.cluster.leader(),
        copied_at=max(desk.cluster.copies().values(), default=None),
    )


def _by_state(nodes: Sequence[Node]) -> dict[str, int]:
    counts = Counter(str(node.state) for node in nodes)
    return {"total": len(nodes), **{str(state): counts[state] for state in NodeState}}


def _instances(active: Sequence[Instance]) -> dict[str, int]:
    counts = Counter(str(shown_state(one)) for one in active)
    return {str(state): counts[state] for state in State if state not in ENDED}
