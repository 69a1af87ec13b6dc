"""Give a desktop its passwords: derived, written through exec on standard input, stored nowhere."""

from __future__ import annotations

from dataclasses import replace

from asci_api.domain.instance import Generations, Instance
from asci_api.domain.ports import Engine
from asci_api.work.desk import Desk
from asci_shared.passwords import desktop_secret
from asci_shared.redis_contract import Mode

COMMAND = ("asci-set-passwords",)


def write_secrets(desk: Desk, engine: Engine, instance: Instance, container: str) -> Instance:
    """Write the passwords of the present generations and record which were written.

    18 bytes: control, newline, view, newline (the program reads exactly these, so the stream needs no end of file).
    A generation raised meanwhile stays due. Raises ``EngineFault``.
    """
    generations = instance.generations
    lines = (desktop_secret(desk.key, instance.id, mode, generations.of(mode)) for mode in (Mode.CONTROL, Mode.VIEW))
    data = "".join(f"{line}\n" for line in lines).encode("ascii")
    engine.write(container, f"{instance.uid}:{instance.gid}", COMMAND, data)
    return desk.instances.change(instance.id, lambda now: replace(now, generations=_written(now, generations)))


def want_secrets(desk: Desk, instance: Instance) -> Instance:
    """A desktop refused its secret: mark both as due, so that they are written again."""

    def unwritten(now: Instance) -> Instance | None:
        if now.ended:
            return None
        return replace(now, generations=replace(now.generations, written_control=0, written_view=0))

    return desk.instances.change(instance.id, unwritten)


def _written(now: Instance, wrote: Generations) -> Generations:
    return replace(now.generations, written_control=wrote.control, written_view=wrote.view)
