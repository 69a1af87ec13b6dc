"""Give an instance its secrets: derived, written through exec on standard input, stored nowhere."""

from __future__ import annotations

from dataclasses import replace

from asci_api.domain.instance import Generations, Instance
from asci_api.domain.ports import Engine
from asci_api.work.desk import Desk
from asci_api.work.instance_secrets import secret_input
from asci_shared.logging import get_logger

HOME_SIGN = "home is not writable"
"""What the program says then (images/base/README.md)."""
HOME_CLOSED = (
    "Your home folder cannot be written. Files that you save now are lost when this session stops: "
    "copy them elsewhere, and tell support."
)
_log = get_logger(__name__)


def write_secrets(desk: Desk, engine: Engine, instance: Instance, container: str) -> Instance:
    """Write the secrets of the present generations and record which were written.

    A generation raised meanwhile stays due. The program also says whether the home can be written; where it cannot, the
    record warns. Raises ``EngineFault``.
    """
    generations = instance.generations
    command, data = secret_input(desk.key, instance)
    said = engine.write(container, f"{instance.uid}:{instance.gid}", command, data)
    warning = HOME_CLOSED if HOME_SIGN in said else ""
    if warning and not instance.warning:
        _log.warning("instance.home_not_writable", instance=instance.id, owner=instance.owner)
    return desk.instances.change(
        instance.id, lambda now: replace(now, generations=_written(now, generations), warning=warning)
    )


def want_secrets(desk: Desk, instance: Instance) -> Instance:
    """A desktop refused its secret: mark both as due, so that they are written again."""

    def unwritten(now: Instance) -> Instance | None:
        if now.ended:
            return None
        return replace(now, generations=replace(now.generations, written_control=0, written_view=0))

    return desk.instances.change(instance.id, unwritten)


def _written(now: Instance, wrote: Generations) -> Generations:
    return replace(now.generations, written_control=wrote.control, written_view=wrote.view)
