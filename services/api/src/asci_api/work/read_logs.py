"""The last lines of an instance."""

from __future__ import annotations

from dataclasses import dataclass

from asci_api.domain.errors import EngineFault, NotFound
from asci_api.domain.identity import Caller
from asci_api.work.front_desk import FrontDesk
from asci_api.work.permissions import Right, instance_for

LINES = 200


@dataclass(frozen=True, slots=True)
class Log:
    """Lines, oldest first, and where they were read."""

    lines: tuple[str, ...]
    source: str
    """``container`` while it lives, ``record`` after its end (or while its node does not answer)."""


def read_logs(desk: FrontDesk, caller: Caller, instance_id: str) -> Log:
    """The last 200 lines (owner, admin)."""
    instance = instance_for(desk, caller, instance_id, Right.LOGS)
    if instance.ended or instance.placement is None or not instance.container:
        return Log(instance.log, "record")
    try:
        lines = desk.engines.get(instance.placement.node).logs(instance.container, LINES)
    except (EngineFault, NotFound):
        return Log(instance.log, "record")
    return Log(tuple(lines), "container")
