"""Make a record for a running container that has none: its record was lost, its desktop was not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from asci_api.domain.environment import Environment
from asci_api.domain.errors import Conflict
from asci_api.domain.identity import InstanceId, NodeName, Person
from asci_api.domain.instance import Instance, Placement, State
from asci_api.domain.ports import Observed
from asci_api.work.desk import Desk
from asci_api.work.new_record import new_record
from asci_api.work.observe_node import Look
from asci_shared.logging import get_logger

LABEL_OWNER = "org.asci.owner"
LABEL_ENVIRONMENT = "org.asci.environment"
_log = get_logger(__name__)


def adopt_instances(
    desk: Desk, look: Look, known: Collection[InstanceId], environments: Iterable[Environment]
) -> list[Instance]:
    """Adopt running containers that no record knows, as their labels, the directory and the catalogue tell.

    One whose owner or environment is unknown is left alone, and said so in the log: it may hold somebody's work.
    Returns the new records.
    """
    catalogue = {environment.name: environment for environment in environments}
    adopted = []
    for seen in look.containers if look.answered else ():
        if seen.instance in known or seen.status != "running" or desk.instances.get(seen.instance) is not None:
            continue
        person = desk.directory.get(seen.labels.get(LABEL_OWNER, ""))
        environment = catalogue.get(seen.labels.get(LABEL_ENVIRONMENT, ""))
        if person is None or environment is None:
            _log.warning("container.unknown_left_alone", instance=seen.instance, container=seen.container[:12])
            continue
        life = desk.policies.get().life_of(environment.lifetime)
        record = _add(desk, _record(seen, look.node, person, environment, desk.clock(), life))
        if record is not None:
            adopted.append(record)
    return adopted


def _add(desk: Desk, record: Instance) -> Instance | None:
    try:
        stored = desk.instances.add(record)
    except Conflict:
        return None
    _log.warning("instance.adopted", instance=record.id, owner=record.owner, container=record.container[:12])
    return stored


def _record(
    seen: Observed, node: NodeName, person: Person, environment: Environment, now: float, life: float
) -> Instance:
    record = new_record(seen.instance, person, environment, created_at=seen.created_at, expires_at=now + life)
    return replace(
        record,
        image_id=seen.image_id or environment.image_id,
        state=State.STARTING,
        state_since=now,
        placement=Placement(node),
        endpoint=seen.endpoint,
        container=seen.container,
    )
