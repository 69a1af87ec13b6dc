"""Instances for tests: one plain desktop of one plain person, with what a test wants changed."""

from __future__ import annotations

from dataclasses import replace

from asci_api.domain.environment import GIB, Kind, Needs
from asci_api.domain.identity import InstanceId, Username
from asci_api.domain.instance import Instance

PLAIN = Instance(
    id=InstanceId("k3v9x2mqab"),
    owner=Username("mara"),
    owner_name="Mara Lindqvist",
    uid=24117,
    gid=24118,
    groups=(("xfm", 30007), ("imbl", 30008)),
    environment="desktop",
    environment_title="Linux desktop",
    icon="monitor",
    kind=Kind.DESKTOP,
    title="Linux desktop",
    image="asci/env-desktop:dev",
    image_id="sha256:" + "a" * 64,
    port=5901,
    ready_path="/",
    needs=Needs(cpus=2.0, memory=2 * GIB),
    mounts=(),
    geometry="1280x800",
    created_at=1_795_475_902.5,
    expires_at=1_796_475_902.5,
    request_id="0" * 32,
)


def an_instance(**changes: object) -> Instance:
    """The plain one with ``changes``."""
    return replace(PLAIN, **changes)  # type: ignore[arg-type]
