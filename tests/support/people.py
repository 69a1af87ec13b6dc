"""Records to begin tests with."""

from __future__ import annotations

from dataclasses import replace

from asci_api.domain.environment import Environment, Kind, Needs
from asci_api.domain.identity import InstanceId, Person, Username
from asci_api.domain.instance import Instance
from asci_api.work.new_record import new_record

DEMO = Person(Username("demo"), "Demo Scientist", 20001, 20001)
JUN = Person(Username("jun"), "Jun Okafor", 20003, 20003)
ADMIN = Person(Username("admin"), "Ada Admin", 20002, 20002, roles=("user", "admin"))

DESKTOP = Environment(
    name="desktop",
    title="Linux desktop",
    description="A full MATE desktop.",
    kind=Kind.DESKTOP,
    icon="monitor",
    image="asci/env-desktop:dev",
    image_id="sha256:desktop",
    needs=Needs(cpus=2.0, memory=2 * 1024**3),
)


def queued(instance_id: str = "abcdefghij", now: float = 1_800_000_000.0, **facts: object) -> Instance:
    """A record as the api makes it at a click on Start."""
    record = new_record(
        InstanceId(instance_id),
        DEMO,
        DESKTOP,
        created_at=now,
        expires_at=now + 7 * 86400.0,
        request_id="0123456789abcdef0123456789abcdef",
    )
    return replace(record, **facts)  # type: ignore[arg-type]
