"""Names and labels by which containers, networks and images say what they are and whose (design, section 2).

=========================  ==========================================================================
label                      on
=========================  ==========================================================================
``org.asci.installation``  everything that an installation makes; on an image: shown there alone
``org.asci.instance``      an instance's container: the instance's id
``org.asci.owner``         an instance's container: her user name
``org.asci.environment``   an instance's container: the environment's name; an image: its entry as JSON
``org.asci.created``       an instance's container: when the instance was asked for (RFC 3339)
``org.asci.kind``          an instance's container: ``desktop``, ``web`` or ``service``
``org.asci.gpus``          an instance's container: its GPUs (``domain/gpu_label.py``); an engine: what it has
``org.asci.job``           a one-shot container: what it does (``home``)
=========================  ==========================================================================
"""

from __future__ import annotations

from datetime import UTC, datetime

from asci_api.domain import gpu_label
from asci_api.domain.environment import GpuShare
from asci_api.domain.gpu_label import LabelledGpus
from asci_api.domain.identity import InstanceId, Username
from asci_api.domain.instance import Instance

INSTALLATION = "org.asci.installation"
INSTANCE = "org.asci.instance"
OWNER = "org.asci.owner"
ENVIRONMENT = "org.asci.environment"
CREATED = "org.asci.created"
KIND = "org.asci.kind"
JOB = "org.asci.job"
GPUS = gpu_label.LABEL


def container_name(installation: str, instance: InstanceId) -> str:
    """The fixed name of an instance's container: repeating a create can never make a second one."""
    return f"asci-{installation}-{instance}"


def network_name(installation: str) -> str:
    """The bridge that this installation's instances join."""
    return f"asci-{installation}-instances"


def home_job_name(installation: str, username: Username) -> str:
    """The one-shot container that makes a person's home. No instance's: their ids have no hyphen."""
    return f"asci-{installation}-home-{username}"


def instance_labels(installation: str, instance: Instance) -> dict[str, str]:
    """The record of an instance, as its container carries it."""
    created = datetime.fromtimestamp(instance.created_at, UTC).isoformat(timespec="milliseconds")
    marks = {
        INSTALLATION: installation,
        INSTANCE: instance.id,
        OWNER: instance.owner,
        ENVIRONMENT: instance.environment,
        CREATED: created.replace("+00:00", "Z"),
        KIND: instance.kind.value,
    }
    gpus, need = instance.placement.gpus if instance.placement else (), instance.needs.gpu
    if gpus and need is not None:
        marks[GPUS] = str(LabelledGpus(gpus, need.share is GpuShare.EXCLUSIVE))
    return marks


def of_installation(installation: str, *more: str) -> list[str]:
    """Label filters for what this installation made; ``more`` are further labels that must be there."""
    return [f"{INSTALLATION}={installation}", *more]
