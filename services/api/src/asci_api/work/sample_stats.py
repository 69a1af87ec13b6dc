"""Count what charts show: instances by state, the queue, starts, and what each node gave away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from asci_api.domain.instance import Instance, State
from asci_api.domain.node import Gpu, Node
from asci_api.domain.policy import Policy
from asci_api.domain.stats import NodeSample, StatsSample
from asci_api.scheduling.filters import total_cpus, total_memory
from asci_api.work.present_instance import shown_state

PERIOD = 10.0
"""Seconds between two samples."""


class Sampler:
    """Remembers when it last counted, so that each start is told once."""

    def __init__(self) -> None:
        self._last = 0.0

    def due(self, now: float) -> bool:
        """Whether the next sample is due. Unix seconds."""
        return now - self._last >= PERIOD

    def sample(self, nodes: Sequence[Node], active: Iterable[Instance], now: float, policy: Policy) -> StatsSample:
        """What is now, and the starts since the last sample."""
        records = list(active)
        queue = [one for one in records if one.state is State.QUEUED and one.stop is None]
        since, self._last = self._last or now, now
        return StatsSample(
            at=now,
            instances=dict(Counter(str(shown_state(one)) for one in records)),
            queue=len(queue),
            longest_wait=max((now - one.created_at for one in queue), default=0.0),
            starts=tuple(
                round(one.running_at - one.created_at, 3)
                for one in records
                if one.running_at is not None and since <= one.running_at < now
            ),
            nodes={node.name: node_sample(node, policy) for node in nodes},
        )


def node_sample(node: Node, policy: Policy) -> NodeSample:
    """Shares of what the node can promise; of its cores and bytes in use where they are known."""
    cpu = _share(node.allocated.cpus, total_cpus(node, policy))
    memory = _share(node.allocated.memory, total_memory(node, policy))
    if node.load is not None:
        cpu, memory = node.load.cpu_percent / 100, _share(node.load.memory_used, node.capacity.memory)
    slots = sum(gpu.slots for gpu in node.gpus)
    return NodeSample(cpu, memory, _share(sum(map(_used, node.gpus)), slots), node.instances)


def _used(gpu: Gpu) -> int:
    return gpu.slots if gpu.taken else gpu.sharers


def _share(used: float, total: float) -> float | None:
    return round(min(used / total, 1.0), 4) if total > 0 else None
