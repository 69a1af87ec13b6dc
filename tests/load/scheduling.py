"""``make bench-scheduler``: placement by simulation, with nothing but the scheduler's own code.

Clusters of 1,000 and 10,000 nodes take 50,000 instances; placements are timed one by one, under a load that comes and
goes, together with what is kept prepared for them, what it costs to prepare, and what a whole round of the controller
costs beside (allocation from the records, comparison with the last round). Times are of the processor, not of the wall:
one core, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import random
import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from asci_api.domain.environment import GIB, GpuNeed, GpuShare, Kind, Needs
from asci_api.domain.identity import InstanceId, NodeName, Username
from asci_api.domain.instance import Instance, Placement, State
from asci_api.domain.node import Gpu, Node, NodeImage, NodeState, Resources, Taint
from asci_api.domain.policy import Policy
from asci_api.scheduling.board import Board, Choice
from asci_api.scheduling.ledger import Holding, with_allocation
from asci_api.scheduling.line import request_of
from asci_api.scheduling.place import place

INSTANCES = 50_000
CHURN = 500
"""Instances that end and come while the cluster is full."""
TARGETS = {1_000: 5.0, 10_000: 50.0}
"""Milliseconds at the 99th percentile (design, section 10)."""

WANTED: tuple[tuple[int, Needs], ...] = (
    (50, Needs(cpus=2.0, memory=4 * GIB)),
    (15, Needs(cpus=1.0, memory=2 * GIB, selector="zone=a")),
    (10, Needs(cpus=4.0, memory=16 * GIB, selector="zone in (b, c), rack!=r7")),
    (10, Needs(cpus=2.0, memory=8 * GIB, gpu=GpuNeed(GpuShare.SHARED, 1))),
    (5, Needs(cpus=8.0, memory=32 * GIB, gpu=GpuNeed(GpuShare.EXCLUSIVE, 1))),
    (5, Needs(cpus=16.0, memory=64 * GIB, gpu=GpuNeed(GpuShare.EXCLUSIVE, 4), selector="gpu")),
    (4, Needs(cpus=0.5, memory=GIB)),
    (1, Needs(cpus=8.0, memory=32 * GIB, selector="online", whole_node=True)),
)
"""How often each kind is asked for, of a hundred."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one cluster. Times in milliseconds unless said."""

    nodes: int
    policy: str
    placed: int
    refused: int
    p50: float
    p99: float
    longest: float
    per_second: float
    """Placements, prepared and while the cluster fills."""
    churn_p99: float
    """While instances end and come in the full cluster."""
    refusal_p99: float
    """What finds no place, with its reasons."""
    prepare: float
    """The first request of a kind: every node weighed once."""
    round_ms: float
    """Allocation of everything from the records and comparison with the last round, when little changed."""
    unprepared: float
    """The same decision by looking at every node (``place``), median."""
    memory_mib: float
    """What nodes, records and everything prepared take."""


def cluster(count: int) -> list[Node]:
    """Nodes of three zones; every third has four GPUs, every fiftieth is dedicated; two of three have the image."""
    nodes = []
    for number in range(count):
        online, cards = number % 50 == 49, 4 if number % 3 == 0 else 0
        labels = {"zone": "abc"[number % 3], "rack": f"r{number % 40}"}
        labels |= {"gpu": ""} if cards else {}
        labels |= {"online": ""} if online else {}
        nodes.append(
            Node(
                name=NodeName(f"n{number:05}"),
                url="tcp://192.0.2.1:2376",
                state=NodeState.ACTIVE,
                capacity=Resources(64.0, 512 * GIB, cards),
                labels=labels,
                taints=(Taint("online"),) if online else (),
                gpus=tuple(Gpu(f"GPU-{number}-{index}", slots=4, index=index) for index in range(cards)),
                images=(NodeImage("sha256:desktop", ("asci/env-desktop:1",), 1),) if number % 3 else (),
                last_seen=1.0,
            )
        )
    return nodes


def asked(rng: random.Random) -> Iterator[Instance]:
    """Instances for ever, as people start them."""
    weights, kinds = zip(*WANTED, strict=True)
    number = 0
    while True:
        for needs in rng.choices(kinds, weights, k=1000):
            number += 1
            yield _instance(number, needs)


def _instance(number: int, needs: Needs) -> Instance:
    return Instance(
        id=InstanceId(f"i{number:09}"),
        owner=Username(f"user{number % 3000}"),
        owner_name="Somebody",
        uid=20001,
        gid=20001,
        groups=(),
        environment="desktop",
        environment_title="Linux desktop",
        icon="monitor",
        kind=Kind.DESKTOP,
        title="Linux desktop",
        image="asci/env-desktop:1",
        image_id="sha256:desktop",
        port=5901,
        ready_path="/",
        needs=needs,
        mounts=(),
        geometry="1280x800",
        created_at=float(number),
        expires_at=1e12,
        request_id="",
        source="registry:5000/asci/env-desktop@sha256:7",
    )


def measure(count: int, policy: Policy, instances: int = INSTANCES, churn: int = CHURN) -> Figures:
    """Fill a cluster, let instances come and go, and count."""
    before = _resident()
    rng = random.Random(count)
    nodes = cluster(count)
    board = Board(nodes, policy)
    prepare = max(_timed(partial(board.choose, request_of(_instance(0, needs)))) for _, needs in WANTED)
    people = asked(rng)
    running: deque[Instance] = deque()
    filling: list[float] = []
    refusals: list[float] = []
    churning: list[float] = []
    for _ in range(instances):
        _serve(board, next(people), running, filling, refusals)
    rng.shuffle(running)
    for _ in range(churn):
        if running:
            _end(board, running.popleft())
        _serve(board, next(people), running, churning, refusals)
    real = with_allocation(nodes, running)
    round_ms = min(_timed(lambda: board.see(with_allocation(nodes, running), policy)) for _ in range(3))
    sample = [needs for _, needs in WANTED[:3]]
    unprepared = sorted(_timed(partial(place, needs, real, policy, image="sha256:desktop")) for needs in sample)
    return Figures(
        nodes=count,
        policy="spread" if policy.spread else "pack",
        placed=len(filling),
        refused=len(refusals),
        p50=_rank(filling, 0.5),
        p99=_rank(filling, 0.99),
        longest=max(filling),
        per_second=1000 * len(filling) / sum(filling),
        churn_p99=_rank(churning, 0.99),
        refusal_p99=_rank(refusals, 0.99) if refusals else 0.0,
        prepare=prepare,
        round_ms=round_ms,
        unprepared=unprepared[len(unprepared) // 2],
        memory_mib=(_resident() - before) / 1024,
    )


def _serve(board: Board, instance: Instance, running: deque[Instance], took: list[float], refused: list[float]) -> None:
    began = time.thread_time()
    outcome = board.choose(request_of(instance))
    if not isinstance(outcome, Choice):
        refused.append(1000 * (time.thread_time() - began))
        return
    placement = outcome.placement
    board.take(placement.node, Holding.of(instance.id, instance.needs, placement.gpus))
    took.append(1000 * (time.thread_time() - began))
    running.append(replace(instance, state=State.RUNNING, placement=placement))


def _end(board: Board, gone: Instance) -> None:
    """Its node without it, as the next round sees it."""
    place_of = gone.placement or Placement(NodeName(""))
    node = board.nodes[place_of.node]
    alone = gone.needs.gpu is not None and gone.needs.gpu.share is GpuShare.EXCLUSIVE
    freed_cards = {card.id: _freed(card, alone) for card in node.gpus if card.id in place_of.gpus}
    cards = tuple(freed_cards.get(card.id, card) for card in node.gpus)
    held = node.allocated
    freed = Resources(held.cpus - gone.needs.cpus, held.memory - gone.needs.memory, held.gpus)
    now = replace(node, allocated=freed, gpus=cards, instances=node.instances - 1, whole=False)
    board.see([now if each.name == now.name else each for each in board.nodes.values()], board.policy)


def _freed(card: Gpu, alone: bool) -> Gpu:
    return replace(card, taken=False) if alone else replace(card, sharers=card.sharers - 1)


def _timed(deed: Callable[[], object]) -> float:
    began = time.thread_time()
    deed()
    return 1000 * (time.thread_time() - began)


def _rank(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _resident() -> int:
    """KiB of memory in use now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() // 1024


def table(figures: list[Figures]) -> str:
    """Markdown."""
    head = (
        "| nodes | policy | placed | p50 ms | p99 ms | longest ms | a second | p99 coming and going ms | refused | "
        "p99 refusal ms | prepare ms | round ms | every node looked at ms | memory MiB |"
    )
    lines = [head, "|" + " ---: |" * (head.count("|") - 1)]
    lines += [
        f"| {one.nodes:,} | {one.policy} | {one.placed:,} | {one.p50:.3f} | {one.p99:.3f} | {one.longest:.1f} | "
        f"{one.per_second:,.0f} | {one.churn_p99:.3f} | {one.refused:,} | {one.refusal_p99:.2f} | {one.prepare:.0f} | "
        f"{one.round_ms:.0f} | {one.unprepared:.1f} | {one.memory_mib:.0f} |"
        for one in figures
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-scheduler", description="Measures placement by simulation.")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--instances", type=int, default=INSTANCES)
    parser.add_argument("--json", type=Path, help="where to write everything that was measured")
    options = parser.parse_args()
    figures = []
    for count in options.nodes:
        for spread in (True, False):
            print(f"{count:,} nodes, {'spread' if spread else 'pack'} …", file=sys.stderr, flush=True)
            figures.append(measure(count, Policy(spread=spread), options.instances))
    print(f"\n{platform.machine()}, Python {platform.python_version()}, one core\n\n{table(figures)}\n")
    for one in figures:
        if (target := TARGETS.get(one.nodes)) is not None:
            met = "met" if one.p99 <= target and one.churn_p99 <= target else "MISSED"
            print(f"{one.nodes:,} nodes, {one.policy}: p99 ≤ {target:g} ms {met}")
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in figures], indent=2) + "\n")


if __name__ == "__main__":
    main()
