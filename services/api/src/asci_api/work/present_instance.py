"""An instance as the API tells it: sentences for waits, its place in line, why it failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asci_api.domain.environment import Needs
from asci_api.domain.identity import InstanceId, Person
from asci_api.domain.instance import STEP_NAMES, Failure, Hop, Instance, Progress, Share, State
from asci_api.scheduling.line import in_line
from asci_api.work.front_desk import FrontDesk
from asci_api.work.moments import moment
from asci_api.work.permissions import Right, access_of, rights_of
from asci_shared.redis_contract import Lease

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an instance's picture needs besides its record."""

    now: float
    places: Mapping[InstanceId, int] = field(default_factory=dict)
    """Place in line, 1 is next."""
    longest_life: float = 0.0
    """Seconds from now to which an owner may extend."""
    usual: Mapping[str, float] = field(default_factory=dict)
    """Environment -> median seconds of a start."""
    presence: Mapping[InstanceId, Sequence[Lease]] = field(default_factory=dict)


def look_around(desk: FrontDesk, instances: Iterable[Instance]) -> Surroundings:
    """Everything that presenting these instances needs, in few questions."""
    shown = list(instances)
    places: dict[InstanceId, int] = {}
    if any(one.state is State.QUEUED for one in shown):
        waiting = (one for one in desk.instances.active() if one.state is State.QUEUED and one.stop is None)
        line = in_line(waiting, desk.policies.get(), desk.clock())
        places = {one.id: place for place, one in enumerate(line, 1)}
    coming = {one.environment for one in shown if one.coming}
    live = [one.id for one in shown if one.running_at is not None and not one.ended]
    return Surroundings(
        now=desk.clock(),
        places=places,
        longest_life=desk.policies.get().longest_life,
        usual=desk.cluster.usual_seconds(coming) if coming else {},
        presence=desk.presence.of(live) if live else {},
    )


def shown_state(instance: Instance) -> State:
    """The state as people see it: ``stopping`` from the moment that its end is asked for."""
    return State.STOPPING if instance.stop and not instance.ended else instance.state


def present_instance(instance: Instance, viewer: Person, around: Surroundings) -> Json:
    """The JSON object of an instance as ``viewer`` may see it."""
    state = shown_state(instance)
    since = instance.stop.at if instance.stop and state is State.STOPPING else instance.state_since
    placement = instance.placement
    return {
        "id": instance.id,
        "revision": instance.revision,
        "owner": {"username": instance.owner, "name": instance.owner_name},
        "environment": {
            "name": instance.environment,
            "title": instance.environment_title,
            "icon": instance.icon,
        },
        "kind": str(instance.kind),
        "title": instance.title,
        "state": str(state),
        "state_since": moment(since),
        "progress": _progress(instance, around) if state in _COMING else None,
        "queue": _queue(instance, around) if state is State.QUEUED else None,
        "node": placement.node if placement else None,
        "gpus": list(placement.gpus) if placement else [],
        "created_at": moment(instance.created_at),
        "running_at": moment(instance.running_at),
        "ended_at": moment(instance.ended_at),
        "expires_at": moment(instance.ends_at),
        "longest_life_seconds": around.longest_life,
        "my_access": str(access_of(instance, viewer) or ""),
        "shares": _shares(instance, viewer),
        "connections": [present_connection(lease) for lease in around.presence.get(instance.id, ())],
        "warning": instance.warning or None if not instance.ended else None,
        "error": _error(instance),
        "end_reason": _end_reason(instance, viewer),
        "geometry": instance.geometry,
        "needs": present_needs(instance.needs),
        "image": instance.image_id or None,
        "request_id": instance.request_id,
        "drain": _drain(instance),
        "decision": None,
    }


def present_needs(needs: Needs) -> Json:
    """What an environment takes: cores, bytes, GPUs, selector."""
    gpu = {"mode": str(needs.gpu.share), "count": needs.gpu.count} if needs.gpu else None
    return {"cpus": needs.cpus, "memory": needs.memory, "gpu": gpu, "selector": needs.selector}


def present_share(share: Share) -> Json:
    """Another person's right."""
    return {
        "username": share.username,
        "name": share.name,
        "mode": str(share.mode),
        "last_seen": moment(share.last_seen),
    }


def present_connection(lease: Lease) -> Json:
    """One viewer."""
    return {
        "id": lease.connection,
        "username": lease.username,
        "name": lease.name,
        "mode": lease.mode,
        "since": moment(lease.since),
        "last_input": moment(lease.last_input) if lease.last_input else None,
    }


_COMING = frozenset({State.QUEUED, State.PLACED, State.PULLING, State.STARTING})


def _progress(instance: Instance, around: Surroundings) -> Json:
    progress = instance.progress if instance.state is not State.QUEUED else None
    progress = progress or _silent(instance, around)
    usual = around.usual.get(instance.environment)
    return {
        "step": progress.step,
        "of": len(STEP_NAMES),
        "percent": progress.percent,
        "message": progress.message,
        "seconds": round(max(around.now - instance.created_at, 0.0), 1),
        "usual_seconds": None if usual is None else round(usual, 1),
        "steps": [_step(number, name, progress) for number, name in enumerate(_step_names(instance), 1)],
    }


def _step_names(instance: Instance) -> tuple[str, ...]:
    return (*STEP_NAMES[:-1], instance.kind.noun.capitalize())


def _step(number: int, name: str, progress: Progress) -> Json:
    if number == progress.step:
        return {"name": name, "state": "now", "seconds": None}
    if number > progress.step:
        return {"name": name, "state": "ahead", "seconds": None}
    took = progress.done[number - 1] if number <= len(progress.done) else None
    return {"name": name, "state": "done", "seconds": None if took is None else round(took, 1)}


def _silent(instance: Instance, around: Surroundings) -> Progress:
    """What to say while the controller has said nothing yet."""
    node = instance.placement.node if instance.placement else ""
    match instance.state:
        case State.QUEUED:
            return Progress(1, _queue_sentence(instance, around))
        case State.PLACED:
            return Progress(1, f"A place is found on node {node}.")
        case State.PULLING:
            return Progress(2, f"Pulling the image on node {node}.")
        case _:
            return Progress(4, f"Starting the {instance.kind.noun} on node {node}.")


def _queue_sentence(instance: Instance, around: Surroundings) -> str:
    if instance.failed_nodes and not instance.reasons:
        return f"{instance.failed_nodes[-1].cause} Looking for another node."
    if not instance.reasons:
        return "Looking for a place."
    place = around.places.get(instance.id, 1)
    return "You are next in line." if place == 1 else f"You are {_ordinal(place)} in line."


def _ordinal(number: int) -> str:
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _queue(instance: Instance, around: Surroundings) -> Json:
    return {
        "place": around.places.get(instance.id, 1),
        "reasons": list(instance.reasons),
        "since": moment(instance.state_since),
    }


def _shares(instance: Instance, viewer: Person) -> list[Json]:
    everything = Right.SEE_SHARES in rights_of(instance, viewer)
    return [present_share(share) for share in instance.shares if everything or share.username == viewer.username]


def _error(instance: Instance) -> Json | None:
    failure = instance.error or (_lost(instance) if shown_state(instance) is State.LOST else None)
    if failure is None:
        return None
    return {
        "hop": str(failure.hop),
        "cause": failure.cause,
        "detail": failure.detail,
        "next_step": failure.next_step,
        "request_id": failure.request_id,
    }


def _drain(instance: Instance) -> Json | None:
    notice = instance.drain
    if notice is None or instance.ended:
        return None
    return {"node": notice.node, "reason": notice.reason, "deadline": moment(notice.deadline)}


def _lost(instance: Instance) -> Failure:
    return Failure(
        hop=Hop.NODE,
        cause=f"Node {instance.placement.node if instance.placement else '?'} does not answer.",
        detail=f"Your {instance.kind.noun} may still be running: ASCI looks again every few seconds.",
        next_step="Wait a little, or start another session.",
        request_id=instance.request_id,
    )


def _end_reason(instance: Instance, viewer: Person) -> str | None:
    if instance.stop and instance.stop.by == viewer.username:
        return "You stopped it."
    if instance.end_reason:
        return instance.end_reason
    return instance.stop.reason if instance.stop else None
