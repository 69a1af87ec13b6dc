"""The record that an instance begins with: whose, of which environment. Pure."""

from __future__ import annotations

from asci_api.domain.environment import Environment
from asci_api.domain.identity import InstanceId, Person
from asci_api.domain.instance import Instance

DEFAULT_GEOMETRY = "1280x800"


def new_record(
    instance: InstanceId,
    person: Person,
    environment: Environment,
    *,
    created_at: float,
    expires_at: float,
    title: str = "",
    geometry: str = DEFAULT_GEOMETRY,
    request_id: str = "",
) -> Instance:
    """A queued instance with all that the person and the environment are now. Without ``title`` it bears the
    environment's."""
    return Instance(
        id=instance,
        owner=person.username,
        owner_name=person.name,
        uid=person.uid,
        gid=person.gid,
        groups=tuple((group.name, group.gid) for group in person.groups),
        environment=environment.name,
        environment_title=environment.title,
        icon=environment.icon,
        kind=environment.kind,
        title=title or environment.title,
        image=environment.image,
        image_id=environment.image_id,
        source=environment.source,
        port=environment.port,
        ready_path=environment.ready_path,
        needs=environment.needs,
        mounts=environment.mounts,
        geometry=geometry,
        created_at=created_at,
        expires_at=expires_at,
        request_id=request_id,
        state_since=created_at,
    )
