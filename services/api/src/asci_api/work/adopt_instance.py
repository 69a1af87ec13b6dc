"""Make a record for a running container that has none: its record was lost, its desktop was not."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import replace

from asci_api.domain.environment import Environment, GpuNeed, GpuShare, Kind, Needs
from asci_api.domain.errors import Conflict
from asci_api.domain.gpu_label import LABEL, read_gpus
from asci_api.domain.identity import InstanceId, NodeName, Person
from asci_api.domain.instance import Instance, Placement, State
from asci_api.domain.ports import Observed
from asci_api.work.desk import Desk
from asci_api.work.new_record import new_record
from asci_api.work.observe_node import Look
from asci_shared.logging import get_logger

LABEL_OWNER = "org.asci.owner"
LABEL_ENVIRONMENT = "org.asci.environment"
LABEL_KIND = "org.asci.kind"
MOST_TOLD = 1000
"""Containers that are remembered as told."""
_log = get_logger(__name__)


def adopt_instances(desk: Desk, look: Look, known: Collection[InstanceId]) -> list[Instance]:
    """Adopt running containers that no record knows, as their labels, the directory and the catalogue tell.

    One whose environment is not in the catalogue any more is adopted as its labels alone tell. One whose owner is
    unknown is left alone, and said so in the log, once: it may hold somebody's work. Returns the new records.
    """
    adopted: list[Instance] = []
    strangers = [seen for seen in look.containers if seen.instance not in known and seen.status == "running"]
    if not look.answered or not strangers:
        return adopted
    catalogue = _catalogue(desk, look, strangers)
    for seen in strangers:
        if desk.instances.get(seen.instance) is not None:
            continue
        person = desk.directory.get(seen.labels.get(LABEL_OWNER, ""))
        if person is None:
            _leave_alone(look.node, seen)
            continue
        environment = catalogue.get(seen.labels.get(LABEL_ENVIRONMENT, ""))
        record = _add(desk, _record(desk, seen, look.node, person, environment))
        if record is not None:
            adopted.append(record)
    return adopted


_told: OrderedDict[str, None] = OrderedDict()


def _leave_alone(node: NodeName, seen: Observed) -> None:
    if seen.container in _told:
        return
    _told[seen.container] = None
    if len(_told) > MOST_TOLD:
        _told.popitem(last=False)
    owner = seen.labels.get(LABEL_OWNER, "")
    _log.warning(
        "container.unknown_left_alone", node=node, instance=seen.instance, container=seen.container[:12], owner=owner
    )


def _as_labelled(seen: Observed) -> Environment:
    """What the labels of a container say of an environment that the catalogue does not have any more."""
    name = seen.labels.get(LABEL_ENVIRONMENT, "")
    kind = seen.labels.get(LABEL_KIND, "")
    gpus = read_gpus(seen.labels.get(LABEL, ""))
    share = GpuShare.EXCLUSIVE if gpus.exclusive else GpuShare.SHARED
    return Environment(
        name=name,
        title=name or "Session",
        description="",
        kind=Kind(kind) if kind in set(Kind) else Kind.DESKTOP,
        icon="box",
        image="",
        image_id=seen.image_id,
        needs=Needs(gpu=GpuNeed(share, len(gpus.ids)) if gpus.ids else None),
    )


def _add(desk: Desk, record: Instance) -> Instance | None:
    try:
        stored = desk.instances.add(record)
    except Conflict:
        return None
    _log.warning("instance.adopted", instance=record.id, owner=record.owner, container=record.container[:12])
    return stored


def _record(desk: Desk, seen: Observed, node: NodeName, person: Person, environment: Environment | None) -> Instance:
    """Where the environment is known it is probed and given its secrets like any other that starts; else it runs: there
    is nothing to hold it against, and a probe that fails would end it."""
    now, described = desk.clock(), environment or _as_labelled(seen)
    expires_at = now + desk.policies.get().life_of(described.lifetime)
    record = new_record(seen.instance, person, described, created_at=seen.created_at, expires_at=expires_at)
    return replace(
        record,
        image_id=seen.image_id or described.image_id,
        state=State.STARTING if environment else State.RUNNING,
        state_since=now,
        running_at=None if environment else now,
        placement=Placement(node, read_gpus(seen.labels.get(LABEL, "")).ids),
        endpoint=seen.endpoint,
        container=seen.container,
    )


def _catalogue(desk: Desk, look: Look, strangers: Iterable[Observed]) -> dict[str, Environment]:
    """By name; where it lacks what is asked for, with what the node's own images say."""
    known = {one.name: one for one in desk.cluster.environments() or ()}
    if all(seen.labels.get(LABEL_ENVIRONMENT, "") in known for seen in strangers):
        return known
    return {one.name: one for one in desk.read_catalogue(look.images)} | known
