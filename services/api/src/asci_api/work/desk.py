"""What the controller's verbs work with: every port they need, bound to one term of leadership."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asci_api.domain.environment import Environment
from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import Instance
from asci_api.domain.node import NodeImage
from asci_api.domain.ports import (
    Audit,
    Clock,
    Cluster,
    ContainerSpec,
    Directory,
    Engines,
    Instances,
    Overlays,
    Policies,
    Readiness,
    Revocations,
    Stats,
    Tokens,
)


@dataclass(frozen=True, slots=True)
class Desk:
    """Handed to each verb. ``instances``, ``cluster``, ``overlays``, ``stats`` and ``tokens`` refuse (``Fenced``) once
    another controller leads."""

    instances: Instances
    cluster: Cluster
    engines: Engines
    readiness: Readiness
    policies: Policies
    overlays: Overlays
    stats: Stats
    revocations: Revocations
    tokens: Tokens
    audit: Audit
    directory: Directory
    clock: Clock
    key: bytes
    """The key file that desktops' secrets are derived from."""
    name_of: Callable[[InstanceId], str]
    """The fixed name of an instance's container."""
    home_image: str
    """Reference of ASCI's own image that makes home folders: no environment's image ever gets that right."""
    make_spec: Callable[[Instance], ContainerSpec]
    """Pure: the container of an instance."""
    read_catalogue: Callable[[Sequence[NodeImage]], list[Environment]]
    """Labelled images, with the operator's overlay, as environments."""
    leads: Callable[[], bool]
    """Reads the lease again. Asked right before every engine call that ends something, since those cannot be fenced."""
