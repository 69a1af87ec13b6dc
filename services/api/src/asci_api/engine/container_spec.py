"""From an instance to its container. Pure: no clock, no network, no surprise (design, sections 7 and 8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Self

from asci_api.domain.environment import MIB
from asci_api.domain.errors import EngineFault
from asci_api.domain.identity import LEAST_ID, USERNAME
from asci_api.domain.instance import Hop, Instance
from asci_api.domain.ports import ContainerSpec, Mount
from asci_api.engine import labels

RUN_BYTES = 64 * MIB
"""Size of the tmpfs on /run/asci: sockets, cookies, password file."""
_CONTROL_SIGNS = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Homes:
    """Where home folders lie on the nodes, and whether ASCI may make them."""

    folder: str
    external: bool = False
    """Somebody else makes them (NFS with root_squash, for example)."""

    @classmethod
    def parse(cls, setting: str) -> Self:
        """From ``/path`` or ``external:/path``. Raises ValueError."""
        external = setting.startswith("external:")
        folder = setting.removeprefix("external:").rstrip("/")
        if not folder.startswith("/") or ".." in PurePosixPath(folder).parts:
            raise ValueError(f"homes must be an absolute path, with external: before it or not, instead of {setting!r}")
        return cls(folder, external)

    def of(self, username: str) -> str:
        """The folder of a person on the node."""
        return f"{self.folder}/{username}"


@dataclass(frozen=True, slots=True)
class Manners:
    """What every session of this site has in common; empty fields leave it to the image."""

    timezone: str = ""
    """As in the tz database: ``Europe/Zurich``."""
    layout: str = ""
    """Keyboard layout, as XKB names it: ``us``, ``de``, ``fr`` …"""
    language: str = ""
    """Locale: ``en_GB.UTF-8``."""

    def environment(self) -> dict[str, str]:
        """The variables that images read."""
        told = {"TZ": self.timezone, "ASCI_LAYOUT": self.layout, "LANG": self.language}
        return {name: value for name, value in told.items() if value}


class ContainerSpecs:
    """Makes specifications for one installation. ``mounts`` gives those that the operator declares now, by name."""

    def __init__(
        self,
        installation: str,
        homes: Homes,
        mounts: Callable[[], Mapping[str, Mount]],
        manners: Manners = Manners(),
    ) -> None:
        self._installation = installation
        self._homes = homes
        self._mounts = mounts
        self._manners = manners

    def __call__(self, instance: Instance) -> ContainerSpec:
        """The container of an instance. Raises ``EngineFault`` (mount) for a mount that the operator does not declare,
        and (container) for an owner who is no ordinary person."""
        spec = container_spec(instance, self._installation, self._homes, self._mounts())
        return replace(spec, environment={**self._manners.environment(), **spec.environment})


def container_spec(instance: Instance, installation: str, homes: Homes, declared: Mapping[str, Mount]) -> ContainerSpec:
    """See :class:`ContainerSpecs`. Nothing of an image's label but names of declared mounts and amounts gets in."""
    _check_owner(instance)
    home = f"/home/{instance.owner}"
    return ContainerSpec(
        name=labels.container_name(installation, instance.id),
        image=instance.image_id or instance.image,
        labels=labels.instance_labels(installation, instance),
        environment=_environment(instance, home),
        user=f"{instance.uid}:{instance.gid}",
        groups=tuple(str(gid) for _, gid in instance.groups),
        mounts=(Mount(homes.of(instance.owner), home), *(_declared(name, declared) for name in instance.mounts)),
        tmpfs={
            "/run/asci": f"uid={instance.uid},gid={instance.gid},mode=0700,size={RUN_BYTES}",
            "/tmp": f"exec,mode=1777,size={instance.needs.tmp}",  # noqa: S108  the container's own
        },
        port=instance.port,
        network=labels.network_name(installation),
        hostname=instance.id,
        cpus=instance.needs.cpus,
        memory=instance.needs.memory,
        shm=instance.needs.shm_bytes,
        pids=instance.needs.pids,
        gpus=instance.placement.gpus if instance.placement else (),
    )


def _check_owner(instance: Instance) -> None:
    ids = (instance.uid, instance.gid, *(gid for _, gid in instance.groups))
    if USERNAME.fullmatch(instance.owner) and min(instance.uid, instance.gid) >= LEAST_ID and min(ids) > 0:
        return
    raise EngineFault(
        Hop.CONTAINER,
        "This account cannot own a session.",
        f"User {instance.owner}, uid {instance.uid}, gid {instance.gid}: ids begin at {LEAST_ID}, groups above 0.",
        "Ask support to correct the account.",
    )


def _environment(instance: Instance, home: str) -> dict[str, str]:
    """What the image's start reads. No secret: ``docker inspect`` shows these."""
    return {
        "ASCI_INSTANCE": instance.id,
        "ASCI_USER": instance.owner,
        "ASCI_UID": str(instance.uid),
        "ASCI_GID": str(instance.gid),
        "ASCI_GROUPS": ",".join(f"{name}:{gid}" for name, gid in instance.groups),
        "ASCI_NAME": _CONTROL_SIGNS.sub(" ", instance.owner_name),
        "ASCI_HOME": home,
        "ASCI_GEOMETRY": instance.geometry,
    }


def _declared(name: str, declared: Mapping[str, Mount]) -> Mount:
    mount = declared.get(name)
    if mount is None:
        raise EngineFault(
            Hop.MOUNT,
            "A folder that this environment needs is not set up at this site.",
            f"The operator's overlay declares no mount named {name}.",
            f"Ask support to declare the mount {name}.",
        )
    return mount
