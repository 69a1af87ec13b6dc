"""Start an environment: record what is wanted. The controller does the rest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

from asci_api.domain.environment import Environment
from asci_api.domain.errors import AsciError, Conflict, InvalidInput, NeverFits, NotAllowed
from asci_api.domain.identity import Caller, InstanceId, new_instance_id
from asci_api.domain.instance import Instance, StopRequest
from asci_api.scheduling.place import NoFit, place
from asci_api.work.find_environments import UNKNOWN_ENVIRONMENT, environment_named, reason_against
from asci_api.work.find_nodes import nodes_now
from asci_api.work.front_desk import FrontDesk
from asci_api.work.new_record import DEFAULT_GEOMETRY, new_record
from asci_api.work.quotas import check_quota, check_quota_again
from asci_shared.logging import get_logger

LONGEST_KEY = 128
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for."""

    environment: str
    title: str = ""
    """Empty means the environment's."""
    geometry: str = DEFAULT_GEOMETRY

    @property
    def fingerprint(self) -> str:
        """Equal for equal wishes."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def start_instance(desk: FrontDesk, caller: Caller, wish: Wish, key: str = "") -> Instance:
    """Record a queued instance and wake the controller. With an idempotency ``key`` the same wish makes it once.

    Raises ``NotFound`` (``unknown-environment``), ``NotAllowed``, ``Conflict`` (``quota-reached``), ``NeverFits``,
    ``InvalidInput`` (``idempotency-mismatch``), ``Restoring``.
    """
    if not key:
        return _start(desk, caller, wish, new_instance_id())
    claimed = new_instance_id()
    before = desk.idempotency.claim(caller.person.username, key, wish.fingerprint, claimed)
    if before is None:
        return _start_claimed(desk, caller, wish, key, claimed)
    if before.fingerprint != wish.fingerprint:
        raise InvalidInput(
            "This Idempotency-Key was used for another request.",
            next_step="Use a new key for each start.",
            slug="idempotency-mismatch",
        )
    # A missing record means that whoever claimed the key has not come so far yet, or never will: the same id again.
    return desk.instances.get(before.instance) or _start(desk, caller, wish, before.instance)


def _start_claimed(desk: FrontDesk, caller: Caller, wish: Wish, key: str, instance_id: InstanceId) -> Instance:
    try:
        return _start(desk, caller, wish, instance_id)
    except AsciError:
        desk.idempotency.release(caller.person.username, key)
        raise


def _start(desk: FrontDesk, caller: Caller, wish: Wish, instance_id: InstanceId) -> Instance:
    try:
        environment = _startable(desk, caller, wish)
    except AsciError as refusal:
        if refusal.slug != UNKNOWN_ENVIRONMENT:
            desk.note(caller, "instance.start", wish.environment, refusal.slug)
        raise
    record = _record(desk, caller, wish, environment, instance_id)
    try:
        stored = desk.instances.add(record)
    except Conflict:
        if mine := desk.instances.get(instance_id):
            return mine
        raise
    _withdraw_beyond_quota(desk, caller, stored)
    desk.note(caller, "instance.start", stored.id, environment=environment.name, image=environment.image_id)
    _log.info("instance.queued", instance=stored.id, owner=stored.owner, environment=environment.name)
    return stored


def _withdraw_beyond_quota(desk: FrontDesk, caller: Caller, stored: Instance) -> None:
    """Of starts at the same moment those beyond the quota are taken back, as if they had been refused before."""
    try:
        check_quota_again(desk, caller, stored)
    except Conflict as refusal:
        stop = StopRequest(by="asci", reason=refusal.title, at=desk.clock())
        desk.instances.change(stored.id, lambda now: None if now.ended else replace(now, stop=stop, dismissed=True))
        desk.note(caller, "instance.start", stored.environment, refusal.slug)
        raise


def _startable(desk: FrontDesk, caller: Caller, wish: Wish) -> Environment:
    environment = environment_named(desk, wish.environment)
    if reason := reason_against(environment, caller.person):
        raise NotAllowed("You may not start this environment.", detail=reason, next_step="Choose another one.")
    _check_fit(desk, environment)
    check_quota(desk, caller, environment.needs.gpu.count if environment.needs.gpu else 0)
    return environment


def _check_fit(desk: FrontDesk, environment: Environment) -> None:
    """Refuse what no node can ever run; never on the word of a missing snapshot."""
    nodes = nodes_now(desk)
    if not nodes:
        return
    outcome = place(environment.needs, nodes, desk.policies.get(), image=environment.image_id)
    if isinstance(outcome, NoFit) and outcome.never:
        raise NeverFits(
            "No node can ever run this.",
            detail=" ".join(outcome.reasons),
            next_step="Choose a smaller environment.",
            reasons=list(outcome.reasons),
        )


def _record(desk: FrontDesk, caller: Caller, wish: Wish, environment: Environment, instance: InstanceId) -> Instance:
    now = desk.clock()
    return new_record(
        instance,
        caller.person,
        environment,
        created_at=now,
        expires_at=now + desk.policies.get().life_of(environment.lifetime),
        title=wish.title,
        geometry=wish.geometry,
        request_id=caller.request_id,
    )


def idempotency_key(text: str) -> str:
    """The header's value as a key; empty for none. Raises ``InvalidInput`` for one that is too long or not plain."""
    if len(text) > LONGEST_KEY or not (text.isascii() and text.isprintable()):
        raise InvalidInput(f"The Idempotency-Key must be plain text of at most {LONGEST_KEY} characters.")
    return text
