"""What needs an admin. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asci_api.domain.identity import NodeName
from asci_api.domain.instance import Instance, State
from asci_api.domain.node import Node, NodeSource, NodeState

KINDS = ("leader", "copy", "node-down", "disk", "node-draining", "queue", "failures")
"""The worst first."""
LONG_WAIT = 120.0
"""Seconds in the queue from which somebody should look."""
COPY_SECONDS = 30.0
"""A copy of the durable facts that is older is late."""
DISK_SHARE = 0.1
"""Of a node's disk; with less free, images do not fit any more."""
RECENT = 3600.0
"""Seconds for which failures are told."""
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Action:
    """A call of the API that would help."""

    label: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that needs somebody."""

    kind: str
    what: str
    """A sentence."""
    since: float | None
    hurts: int
    """How many people."""
    link: str
    """The admins' page about it."""
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class View:
    """All that concerns are found in."""

    now: float
    nodes: Sequence[Node] | None
    """None: the controller has not looked lately."""
    active: Sequence[Instance]
    failed: Sequence[Instance]
    """Those that failed lately."""
    leader: str | None
    copied_at: float | None
    """When a durable copy last had everything."""


def concerns(view: View) -> list[Concern]:
    """The worst first."""
    found = [*_leader(view), *_copy(view), *_nodes(view), *_queue(view), *_failures(view)]
    return sorted(found, key=lambda one: (KINDS.index(one.kind), -one.hurts, one.what))


def _leader(view: View) -> Iterator[Concern]:
    if view.leader is None:
        what = "No controller leads: nothing is started, stopped or watched. What runs goes on."
        yield Concern("leader", what, None, _people(view.active), "/admin")
    elif view.nodes is None:
        what = f"The controller {view.leader} has not told what it sees of the nodes lately."
        yield Concern("leader", what, None, _people(view.active), "/admin")


def _copy(view: View) -> Iterator[Concern]:
    if view.copied_at is None or view.now - view.copied_at > COPY_SECONDS:
        what = "No controller copies the records: with Redis' data, what was decided since would be lost."
        yield Concern("copy", what, view.copied_at, 0, "/admin")


def _nodes(view: View) -> Iterator[Concern]:
    held: dict[NodeName, list[Instance]] = {}
    for one in view.active:
        if one.placement is not None:
            held.setdefault(one.placement.node, []).append(one)
    for node in view.nodes or ():
        yield from _node(node, held.get(node.name, []), view.now)


def _node(node: Node, held: Sequence[Instance], now: float) -> Iterator[Concern]:
    link, hurts = f"/admin/nodes/{node.name}", _people(held)
    if node.state is NodeState.DOWN:
        yield Concern("node-down", _silence(node, now), node.down_since, hurts, link, _after_silence(node, held))
    elif node.state is NodeState.DRAINING:
        left = f"{_count(len(held), 'session')} left" if held else "it is empty"
        action = Action("Take new sessions again", "PATCH", f"/api/v1/nodes/{node.name}", {"state": "active"})
        since = node.drain.since if node.drain else None
        yield Concern("node-draining", f"Node {node.name} is being emptied: {left}.", since, hurts, link, action)
    if node.disk is not None and node.disk.free < node.disk.total * DISK_SHARE:
        yield Concern("disk", f"Node {node.name} has {node.disk.free / _GIB:.1f} GiB of disk left.", None, hurts, link)


def _silence(node: Node, now: float) -> str:
    if node.gone:
        return f"Node {node.name} was declared gone."
    if node.down_since is None:
        return f"Node {node.name} has not been seen yet."
    return f"Node {node.name} has not answered for {_duration(now - node.down_since)}."


def _after_silence(node: Node, held: Sequence[Instance]) -> Action | None:
    path = f"/api/v1/nodes/{node.name}"
    if node.down_since is not None and not node.gone:
        return Action("Declare it gone", "PATCH", path, {"gone": True})
    if node.source is NodeSource.API and not held:
        return Action("Remove it", "DELETE", path)
    return None


def _queue(view: View) -> Iterator[Concern]:
    waiting = [one for one in view.active if one.state is State.QUEUED and one.stop is None]
    if not waiting:
        return
    since = min(one.created_at for one in waiting)
    if view.now - since >= LONG_WAIT:
        wait = "waits" if len(waiting) == 1 else "wait"
        what = f"{_count(len(waiting), 'session')} {wait} for a place, the oldest for {_duration(view.now - since)}."
        yield Concern("queue", what, since, _people(waiting), "/admin/sessions?state=queued")


def _failures(view: View) -> Iterator[Concern]:
    causes = Counter(one.error.cause for one in view.failed if one.error is not None)
    if causes:
        (cause, _), *_rest = causes.most_common(1)
        what = f"{_count(len(view.failed), 'session')} failed in the last hour, most with: {cause}"
        since = min(one.ended_at or one.state_since for one in view.failed)
        yield Concern("failures", what, since, _people(view.failed), "/admin/sessions?state=failed")


def _people(instances: Iterable[Instance]) -> int:
    return len({one.owner for one in instances})


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
