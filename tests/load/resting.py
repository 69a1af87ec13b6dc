"""What ASCI takes while nobody works: an idle desktop, an idle control plane, images on the disk."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from tests.load.numbers import Figure
from tests.load.room import Room
from tests.support.composed import (
    ROLES,
    control_group_memory,
    cpu_seconds,
    docker,
    inspect,
)

MIB = 1 << 20
SETTLE = 60.0
"""Seconds after the start at which the control plane is weighed."""
CPU_WINDOW = 30.0


def control_plane(room: Room) -> list[Figure]:
    """All service containers together, 60 s after the last of them started, with no desktop running."""
    services = {role: room.installation.service(role) for role in ROLES}
    started = max(
        datetime.fromisoformat(inspect(c)["State"]["StartedAt"][:19]).replace(tzinfo=UTC) for c in services.values()
    )
    time.sleep(max(0.0, SETTLE - (datetime.now(UTC) - started).total_seconds()))
    memory = {role: control_group_memory(container) / MIB for role, container in services.items()}
    before, since = {role: cpu_seconds(c) for role, c in services.items()}, time.monotonic()
    time.sleep(CPU_WINDOW)
    used = sum(cpu_seconds(c) - before[role] for role, c in services.items()) / (time.monotonic() - since)
    parts = ", ".join(f"{role} {size:.0f}" for role, size in memory.items())
    return [
        Figure("control plane, memory without page cache", sum(memory.values()), "MiB", 400, parts),
        Figure("control plane, processor", 100 * used, "% of a core", None, f"over {CPU_WINDOW:.0f} s"),
    ]


def desktop(room: Room) -> list[Figure]:
    """One desktop that nobody looks at, 20 s after its start."""
    name = room.demo.start("desktop", geometry="1280x752")["id"]
    room.demo.wait_state(name, "running", within=60)
    container = room.installation.instance(name) or ""
    time.sleep(20.0)
    memory = control_group_memory(container) / MIB
    before, since = cpu_seconds(container), time.monotonic()
    time.sleep(CPU_WINDOW)
    used = (cpu_seconds(container) - before) / (time.monotonic() - since)
    room.demo.stop(name)
    return [
        Figure("idle desktop, memory without page cache", memory, "MiB", 140, "1280 x 752, nobody looks"),
        Figure("idle desktop, processor", 100 * used, "% of a core", 0.3, f"over {CPU_WINDOW:.0f} s"),
    ]


def images(room: Room) -> list[Figure]:
    """As the engine counts them, layers of the base included."""
    tag = inspect(room.installation.service("api"))["Config"]["Image"].rpartition(":")[2]

    def size(name: str) -> float:
        return int(docker("image", "inspect", "--format", "{{.Size}}", f"asci/{name}:{tag}")) / 1e6

    services = ", ".join(f"{role} {size(role):.0f}" for role in ("edge", "webui", "api", "proxy", "redis"))
    return [Figure("desktop base image", size("base"), "MB", 700, f"services: {services}")]
