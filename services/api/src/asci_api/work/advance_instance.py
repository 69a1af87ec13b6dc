"""One look at one instance: whatever its next step is, take it. Level-triggered: only the record counts."""

from __future__ import annotations

from asci_api.domain.errors import EngineFault, Fenced
from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import Instance, State
from asci_api.work.bring_up_instance import bring_up_instance
from asci_api.work.desk import Desk
from asci_api.work.end_instance import end_instance
from asci_api.work.instance_secrets import secrets_due
from asci_api.work.write_secrets import write_secrets
from asci_shared.logging import get_logger

STARTING = frozenset({State.PLACED, State.PULLING, State.STARTING})
_log = get_logger(__name__)


def needs_a_step(instance: Instance) -> bool:
    """Whether :func:`advance_instance` would do something now. Queued ones are placed together, not here."""
    if instance.ended:
        return False
    if instance.stop is not None:
        return True
    return instance.state in STARTING or (instance.state is State.RUNNING and secrets_due(instance))


def advance_instance(desk: Desk, instance_id: InstanceId) -> None:
    """Take the steps that the record asks for, until it runs, ended, or a part is away.

    An engine that is away is left for the next look. Raises ``Fenced`` when this controller no longer leads, and
    ``Unavailable`` without Redis.
    """
    try:
        _advance(desk, instance_id)
    except Fenced:
        raise
    except EngineFault as fault:
        _log.warning(
            "instance.step_put_off", instance=instance_id, hop=fault.hop, cause=fault.title, detail=fault.detail
        )


def _advance(desk: Desk, instance_id: InstanceId) -> None:
    instance = desk.instances.get(instance_id)
    if instance is None or instance.ended:
        return
    if instance.stop is None and instance.state in STARTING:
        bring_up_instance(desk, instance)
        instance = desk.instances.get(instance_id)
    if instance is None or instance.ended:
        return
    if instance.stop is not None:
        end_instance(desk, instance)
    elif instance.state is State.RUNNING and secrets_due(instance) and instance.placement:
        write_secrets(desk, desk.engines.get(instance.placement.node), instance, instance.container)
