"""From a place to a running desktop: image, container, secrets, readiness. Each step is safe to repeat."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from asci_api.domain.environment import Kind
from asci_api.domain.errors import EngineAway, EngineFault, Fenced, ImageMissing, NotFound, SourceMissing
from asci_api.domain.image_names import fetchable
from asci_api.domain.instance import Endpoint, Failure, Hop, Instance, Progress, State
from asci_api.domain.policy import Policy
from asci_api.domain.ports import ContainerSpec, Engine, Observed
from asci_api.work.desk import Desk
from asci_api.work.end_instance import ask_to_end
from asci_api.work.fetch_image import fetched_image
from asci_api.work.instance_secrets import secrets_due
from asci_api.work.move_on import BEFORE_A_CONTAINER, MOVES_ON, is_down, move_on, tried_in_vain
from asci_api.work.write_secrets import write_secrets
from asci_shared.logging import get_logger

PROGRAM_PATIENCE = 4
"""How many times as long as a desktop a web application or service may take until it answers: whose program it is, and
how much it reads first, ASCI does not know."""
PROBE_PAUSE = 0.02
"""Seconds between two looks at a desktop that is starting."""
_log = get_logger(__name__)


class _WantedNoMore(Exception):
    """A stop was asked for while we worked."""


def bring_up_instance(desk: Desk, instance: Instance, pause: Callable[[float], object] = time.sleep) -> None:
    """Take a placed instance as far as ``running``, or ask for its end with the fault that stopped it.

    Picks up wherever an earlier leader left off. Returns when running, wanted no more, or failed.
    Raises ``EngineFault`` where trying again may help and the start's deadline has not passed, and ``Fenced``.
    """
    policy = desk.policies.get()
    assert instance.placement is not None  # noqa: S101 -- placed instances have one
    node = instance.placement.node
    try:
        engine = desk.engines.get(node)
        instance = _image(desk, engine, instance, node)
        instance, seen = _container(desk, engine, instance, node)
        if secrets_due(instance):
            instance = _secrets(desk, engine, instance, seen.container)
        _run(desk, engine, instance, seen, policy, pause)
    except _WantedNoMore:
        return
    except NotFound as gone:
        _give_up(desk, instance, EngineFault(Hop.NODE, f"Node {node} is not registered any more.", gone.title))
    except EngineFault as fault:
        if (
            fault.transient
            and desk.clock() - instance.state_since < policy.create_seconds
            and not _hopeless(desk, instance)
        ):
            raise
        _give_up(desk, instance, fault)


def _image(desk: Desk, engine: Engine, instance: Instance, node: str) -> Instance:
    """Have the image on the node (unless the container stands already)."""
    if instance.state is State.STARTING:
        return instance
    started = desk.clock()

    def tell(percent: int | None) -> None:
        share = "" if percent is None else f", {percent} %"
        message = f"Pulling the image on node {node}{share}"
        _move(desk, instance, State.PULLING, Progress(2, message, percent, _done(instance), started))

    image, image_id = fetched_image(desk, engine, instance, tell)
    if (image, image_id) != (instance.image, instance.image_id):
        return _keep(desk, instance, image=image, image_id=image_id)
    return _current(desk, instance) if started < desk.clock() else instance


def _container(desk: Desk, engine: Engine, instance: Instance, node: str) -> tuple[Instance, Observed]:
    """Create and start the container, making the home where it is missing."""
    now = desk.clock()
    if instance.state is not State.STARTING:
        done = (*_done(instance), max(now - instance.state_since, 0.0))
        progress = Progress(3, "Mounting your home folder and data.", None, done[:2], now)
        instance = _move(desk, instance, State.STARTING, progress)
    container = instance.container or _create(desk, engine, instance)
    if not desk.leads():  # creating took its time: a next leader may have gone on elsewhere
        raise Fenced("Another controller leads now.")
    engine.start(container)
    seen = engine.look(container)
    if seen is None:
        raise EngineFault(Hop.CONTAINER, "The container went away while starting.", f"{container[:12]} is gone.")
    done = (*_done(instance), max(desk.clock() - now, 0.0))
    progress = Progress(4, f"Starting the {instance.kind.noun} on node {node}.", None, done[:3], desk.clock())
    instance = _keep(desk, instance, container=container, endpoint=seen.endpoint, progress=progress)
    return instance, seen


def _create(desk: Desk, engine: Engine, instance: Instance) -> str:
    spec = desk.make_spec(instance)
    if not desk.leads():
        raise Fenced("Another controller leads now.")
    try:
        return engine.create(spec)
    except SourceMissing as fault:
        if fault.source != _home_source(spec):
            raise _data_missing(fault.source) from fault
        _home(desk, engine, instance)
        return engine.create(spec)


def _home(desk: Desk, engine: Engine, instance: Instance) -> None:
    """Make the home folder, fetching the image whose program does so where the node lacks it."""
    try:
        engine.make_home(instance.owner, instance.uid, instance.gid, desk.home_image)
    except ImageMissing:
        if not fetchable(desk.home_image):
            raise
        engine.pull(desk.home_image, lambda _: None)
        engine.make_home(instance.owner, instance.uid, instance.gid, desk.home_image)


def _home_source(spec: ContainerSpec) -> str | None:
    home = spec.environment.get("ASCI_HOME")
    return next((mount.source for mount in spec.mounts if mount.target == home), None)


def _data_missing(source: str) -> EngineFault:
    return EngineFault(
        Hop.MOUNT,
        "A folder with data could not be mounted.",
        f"{source} does not exist on the node.",
        "Try again, or ask support.",
    )


def _secrets(desk: Desk, engine: Engine, instance: Instance, container: str) -> Instance:
    """Write the passwords; where that fails because the desktop ended, say that instead."""
    try:
        return write_secrets(desk, engine, instance, container)
    except EngineAway:
        raise
    except EngineFault:
        _still_there(desk, engine, instance, container)
        raise


def _run(
    desk: Desk, engine: Engine, instance: Instance, seen: Observed, policy: Policy, pause: Callable[[float], object]
) -> None:
    """Wait until ASCI's own probe sees the desktop, then say that it runs."""
    if instance.port == 0:  # a service without a port is ready when it runs
        _running(desk, instance, None)
        return
    patience = policy.ready_seconds * (1 if instance.kind is Kind.DESKTOP else PROGRAM_PATIENCE)
    deadline = desk.clock() + patience
    endpoint = seen.endpoint
    looked = desk.clock()
    while endpoint is None or not desk.readiness.ready(instance, endpoint):
        if desk.clock() > deadline:
            raise _silent(instance, patience)
        if desk.clock() - looked > 0.5:
            looked = desk.clock()
            endpoint = _still_there(desk, engine, instance, seen.container)
        pause(PROBE_PAUSE)
    _running(desk, instance, endpoint)


def _silent(instance: Instance, seconds: float) -> EngineFault:
    desktop = instance.kind is Kind.DESKTOP
    hop, misses = (Hop.VNC, "shows no picture") if desktop else (Hop.CONTAINER, "does not answer")
    cause = f"The {instance.kind.noun} runs but {misses} after {seconds:.0f} s."
    return EngineFault(hop, cause, f"No answer on port {instance.port}.", "Try again.")


def _still_there(desk: Desk, engine: Engine, instance: Instance, container: str) -> Endpoint | None:
    _current(desk, instance)
    seen = engine.look(container)
    if seen is None or seen.status in {"exited", "dead"}:
        code = "unknown" if seen is None else seen.exit_code
        raise EngineFault(
            Hop.CONTAINER,
            f"The {instance.kind.noun} ended while starting (exit code {code}).",
            "It ran out of memory." if seen and seen.oom_killed else "",
            "Open Details for its last lines, and send them to support.",
        )
    return seen.endpoint


def _running(desk: Desk, instance: Instance, endpoint: Endpoint | None) -> None:
    now = desk.clock()

    def step(current: Instance) -> Instance | None:
        if current.stop or current.state is not State.STARTING:
            return None
        return current.to(State.RUNNING, now, running_at=now, endpoint=endpoint, progress=None, reasons=())

    stored = desk.instances.change(instance.id, step)
    if stored.state is State.RUNNING and stored.running_at == now:
        seconds = now - stored.created_at
        _remember(desk, instance, seconds)
        _log.info(
            "instance.running",
            instance=stored.id,
            owner=stored.owner,
            environment=stored.environment,
            node=stored.placement.node if stored.placement else "",
            seconds=round(seconds, 3),
            request=stored.request_id,
        )


def _remember(desk: Desk, instance: Instance, seconds: float) -> None:
    """Add to what is usual: from the place to the desktop. Not the queue, and not a container that was adopted."""
    if done := _done(instance):
        desk.cluster.record_start(instance.environment, max(seconds - done[0], 0.0))


def _hopeless(desk: Desk, instance: Instance) -> bool:
    """Its node is down, and nothing of it is there yet."""
    place = instance.placement
    return instance.state in BEFORE_A_CONTAINER and place is not None and is_down(desk, place.node)


def _give_up(desk: Desk, instance: Instance, fault: EngineFault) -> None:
    if not (_nothing_left(desk, instance, fault) and move_on(desk, instance, fault)):
        _fail(desk, instance, fault)


def _nothing_left(desk: Desk, instance: Instance, fault: EngineFault) -> bool:
    """Whether the node holds nothing of it: no container was asked for, or none was made, or one that never ran and is
    removed here. Not on the word of an engine that is silent."""
    now = desk.instances.get(instance.id)
    if now is None or now.placement is None or now.state in BEFORE_A_CONTAINER:
        return True
    if now.state is not State.STARTING or isinstance(fault, EngineAway) or fault.hop not in MOVES_ON:
        return False
    try:
        engine = desk.engines.get(now.placement.node)
        seen = engine.look(desk.name_of(now.id))
        if seen is not None and seen.status == "created" and desk.leads():
            engine.remove(seen.container)
            seen = None
    except (EngineFault, NotFound):
        return False
    return seen is None


def _fail(desk: Desk, instance: Instance, fault: EngineFault) -> None:
    before = tried_in_vain(instance)
    detail = f"{fault.detail} Tried before: {before}" if before else fault.detail
    failure = Failure(fault.hop, fault.title, detail, fault.next_step, instance.request_id)
    _log.warning(
        "instance.start_failed",
        instance=instance.id,
        owner=instance.owner,
        hop=fault.hop,
        cause=fault.title,
        detail=fault.detail,
        request=instance.request_id,
    )
    ask_to_end(desk, instance, fault.title, failure)


def _current(desk: Desk, instance: Instance) -> Instance:
    """The record as it stands. Raises ``_WantedNoMore`` when it shall end or is gone."""
    now = desk.instances.get(instance.id)
    if now is None or now.ended or now.stop:
        raise _WantedNoMore
    return now


def _move(desk: Desk, instance: Instance, state: State, progress: Progress) -> Instance:
    def step(now: Instance) -> Instance:
        if now.ended or now.stop:
            raise _WantedNoMore
        if now.state is state:
            return replace(now, progress=progress)
        return now.to(state, desk.clock(), progress=progress)

    return desk.instances.change(instance.id, step)


def _keep(desk: Desk, instance: Instance, **facts: object) -> Instance:
    def step(now: Instance) -> Instance:
        kept: Instance = replace(now, **facts)  # type: ignore[arg-type]
        if now.ended or now.stop:
            raise _WantedNoMore
        return kept

    return desk.instances.change(instance.id, step)


def _done(instance: Instance) -> tuple[float, ...]:
    return instance.progress.done if instance.progress else ()
