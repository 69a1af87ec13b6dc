"""Look at one node: what its engine says of itself, its images, its containers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from asci_api.domain.errors import EngineFault
from asci_api.domain.identity import NodeName
from asci_api.domain.node import (
    EngineFacts,
    Load,
    Node,
    NodeImage,
    NodeOverlay,
    NodeRegistration,
    NodeState,
    Resources,
)
from asci_api.domain.overlay import declared_gpus, overlaid
from asci_api.domain.ports import Engine, Observed
from asci_api.work.desk import Desk
from asci_api.work.measure_load import LoadMeter
from asci_shared.logging import get_logger

PERIOD = 5.0
"""Seconds between two looks (design, section 2)."""
DOWN_AFTER = 10.0
"""Seconds without an answer after which a node is down."""
LEAST_FAILURES = 2
NOTHING_DECIDED = NodeOverlay()
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What a node showed. With ``error`` the other facts are those of the last look that worked."""

    node: NodeName
    at: float
    """When this look ended."""
    seen_at: float
    """When the engine last answered (0: never)."""
    silent_since: float | None = None
    """Since when it does not answer: its last answer, but at most one period before the first look without one began,
    so that a pause of this controller is not held against the node."""
    facts: EngineFacts | None = None
    images: tuple[NodeImage, ...] = ()
    containers: tuple[Observed, ...] = field(default=())
    error: str = ""
    load: Load | None = None
    failures: int = 0
    """Looks without an answer, one after the other."""

    @property
    def answered(self) -> bool:
        return not self.error and self.facts is not None

    @property
    def down(self) -> bool:
        """No answer for :data:`DOWN_AFTER`, and asked more than once: one call that took long is no silence."""
        if self.silent_since is None or self.failures < LEAST_FAILURES:
            return False
        return self.at - self.silent_since >= DOWN_AFTER


def observe_node(desk: Desk, name: NodeName, before: Look | None, meter: LoadMeter | None = None) -> Look:
    """Look once. Never raises for an engine that does not answer: the look says so. ``meter`` measures a few of the
    containers beside."""
    began = desk.clock()
    try:
        engine = desk.engines.get(name)
        facts = engine.facts()
        containers = tuple(engine.observe())
    except EngineFault as fault:
        return _without_answer(desk, name, before, fault, began)
    images = _images(engine, before)
    now = desk.clock()
    if before is not None and before.error:
        _log.info("node.answers_again", node=name, silent_seconds=round(now - before.seen_at, 1))
    load = meter.measure(engine, containers, facts.cpus) if meter else None
    return Look(name, now, now, None, facts, images, containers, load=load)


def node_of(look: Look, registration: NodeRegistration | None = None, overlay: NodeOverlay = NOTHING_DECIDED) -> Node:
    """The node as the scheduler and the snapshot tell it, without allocation: what was seen, with what was registered
    and decided laid over it. One that was declared gone stays down although it answers."""
    facts, known = look.facts, registration or NodeRegistration(look.node, "")
    gpus = declared_gpus(known if known.gpus or facts is None else replace(known, gpus=facts.gpus))
    down = facts is None or look.down or overlay.gone
    seen = Node(
        name=look.node,
        url=known.url,
        state=NodeState.DOWN if down else NodeState.ACTIVE,
        capacity=Resources(facts.cpus, facts.memory, len(gpus)) if facts else Resources(gpus=len(gpus)),
        gpus=gpus,
        publish=facts.gateway if facts else "",
        engine_labels=dict(facts.labels) if facts else {},
        engine_version=facts.version if facts else "",
        engine_api=facts.api if facts else "",
        images=look.images,
        last_seen=look.seen_at,
        down_since=look.silent_since if facts is None or look.down else None,
        error=look.error,
        load=None if down else look.load,
    )
    return overlaid(seen, known, overlay)


def _images(engine: Engine, before: Look | None) -> tuple[NodeImage, ...]:
    """A machine that builds images may be slow to list them; that is no silence."""
    try:
        return tuple(engine.images())
    except EngineFault as fault:
        _log.warning("node.images_not_listed", node=engine.node, cause=fault.title, detail=fault.detail)
        return before.images if before else ()


def _without_answer(desk: Desk, name: NodeName, before: Look | None, fault: EngineFault, began: float) -> Look:
    now = desk.clock()
    error = f"{fault.title} {fault.detail}".strip()
    last = before or Look(name, now, 0.0)
    since = last.silent_since if last.silent_since is not None else max(last.seen_at, began - PERIOD)
    look = replace(last, at=now, silent_since=since, error=error, failures=last.failures + 1)
    if not last.error:
        _log.warning("node.does_not_answer", node=name, detail=fault.detail)
    if look.down and not last.down:
        _log.error("node.down", node=name, silent_seconds=round(now - since, 1), detail=fault.detail)
    return look
