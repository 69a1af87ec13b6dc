"""What an admin wants of a node, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from asci_api.domain.node import Drain, NodeOverlay, NodeState, Overcommit, Taint
from asci_api.domain.registering import Complaints, label_complaints, overcommit_complaints, taint_complaints


class Unset:
    """Marks a member that was left out, where None means something."""


UNSET = Unset()


@dataclass(frozen=True, slots=True)
class NodeChange:
    """What is left out stays."""

    labels: Mapping[str, str | None] | None = None
    """None as a value hides the label, whoever set it."""
    taints: Sequence[Taint] | None = None
    state: NodeState | None = None
    deadline: float | Unset | None = UNSET
    """Of a drain: Unix time, or None to wait for ever."""
    reason: str | None = None
    overcommit: Overcommit | Unset | None = UNSET
    """None: the registration's, else the policy's."""
    gone: bool | None = None

    @property
    def deed(self) -> str:
        """What the audit calls it: the weightiest part."""
        if self.gone is not None:
            return "node.gone" if self.gone else "node.return"
        names = {NodeState.DRAINING: "drain", NodeState.CORDONED: "cordon", NodeState.ACTIVE: "activate"}
        return f"node.{names.get(self.state, 'change') if self.state else 'change'}"

    def complaints(self, overlay: NodeOverlay, now: float) -> Complaints:
        """What is wrong with it, for a node over which ``overlay`` stands."""
        found: Complaints = {}
        if self.labels is not None:
            found["labels"] = label_complaints({key: value or "" for key, value in self.labels.items()})
        if self.taints is not None:
            found["taints"] = taint_complaints(self.taints)
        if isinstance(self.overcommit, Overcommit):
            found["overcommit"] = overcommit_complaints(self.overcommit)
        if isinstance(self.deadline, float):
            found["deadline"] = self._deadline(self.deadline, overlay, now)
        return {field: sentences for field, sentences in found.items() if sentences}

    def facts(self, after: NodeOverlay) -> dict[str, str]:
        """What the audit keeps of it."""
        facts = {"reason": self.reason or ""}
        if self.labels is not None:
            facts["labels"] = ", ".join(
                f"-{key}" if value is None else f"{key}={value}" for key, value in self.labels.items()
            )
        if self.taints is not None:
            facts["taints"] = ", ".join(f"{taint.key}={taint.value}" for taint in self.taints) or "none"
        if not isinstance(self.overcommit, Unset):
            given = self.overcommit
            facts["overcommit"] = f"{given.cpus:g} x cores, {given.memory:g} x memory" if given else "the policy's"
        return {name: value for name, value in facts.items() if value}

    def _deadline(self, deadline: float, overlay: NodeOverlay, now: float) -> list[str]:
        if (self.state or overlay.wanted) is not NodeState.DRAINING:
            return ["Only a node that is being drained has one."]
        return ["It is over already."] if deadline <= now else []


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a change is made in."""

    by: str
    """User name."""
    at: float
    under: Mapping[str, str]
    """The node's labels without any overlay."""
    gone_reason: str
    """What to tell people if it is declared gone."""
    drain_seconds: float


def changed(now: NodeOverlay, change: NodeChange, around: Circumstances) -> NodeOverlay:
    """The overlay after the change."""
    if change.labels is not None:
        now = _labelled(now, change.labels, around.under)
    if change.taints is not None:
        now = replace(now, taints=tuple(change.taints))
    if not isinstance(change.overcommit, Unset):
        now = replace(now, overcommit=change.overcommit)
    if change.gone is not None:
        now = replace(now, gone=change.gone, gone_reason=around.gone_reason if change.gone else "")
    wanted = change.state or now.wanted
    return replace(
        now, wanted=wanted, drain=_drain(now.drain, change, around) if wanted is NodeState.DRAINING else None
    )


def _labelled(now: NodeOverlay, wanted: Mapping[str, str | None], under: Mapping[str, str]) -> NodeOverlay:
    """Set and hide labels; what nobody else set needs no hiding."""
    labels = {key: value for key, value in {**now.labels, **wanted}.items() if value is not None}
    hidden = {key for key in now.removed if key not in wanted}
    hidden |= {key for key, value in wanted.items() if value is None and key in under}
    return replace(now, labels=labels, removed=tuple(sorted(hidden)))


def _drain(standing: Drain | None, change: NodeChange, around: Circumstances) -> Drain:
    before = standing or Drain("", around.by, around.at, around.at + around.drain_seconds)
    reason = before.reason if change.reason is None else change.reason
    deadline = before.deadline if isinstance(change.deadline, Unset) else change.deadline
    return replace(before, reason=reason, deadline=deadline)
