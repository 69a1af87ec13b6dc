"""``python -m asci_api.controller``: the process that makes the world match what was asked.

Several may run; one leads. SIGTERM gives the lock back and ends at once: whatever is in the middle of a step is picked
up by the next leader.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from functools import partial

from asci_api.catalogue.registry import RegistryWatch
from asci_api.domain.ports import Fence
from asci_api.engine.labels import container_name
from asci_api.loops.copying import Copying
from asci_api.loops.inward import Inward
from asci_api.loops.leader import LeaderLoop
from asci_api.loops.term import Term
from asci_api.settings import Settings
from asci_api.store.durable import RedisDurableCopy
from asci_api.store.facts import Facts
from asci_api.store.leader import RedisLeadership
from asci_api.wiring import Adapters, build
from asci_api.work.desk import Desk
from asci_shared import logging
from asci_shared.environ import Environ, SettingsError

PORT = 8001


def desk_of(settings: Settings, adapters: Adapters, leadership: RedisLeadership, fence: Fence) -> Desk:
    """What the verbs of one term work with: every durable write goes through its fence."""
    store = adapters.store.fenced(fence)
    return Desk(
        instances=store.instances,
        cluster=store.cluster,
        engines=adapters.engines,
        readiness=adapters.readiness,
        policies=store.policies,
        overlays=store.overlays,
        stats=store.stats,
        revocations=store.revocations,
        tokens=store.tokens,
        audit=store.audit,
        directory=adapters.directory,
        clock=adapters.clock,
        key=settings.key,
        name_of=partial(container_name, settings.installation),
        home_image=settings.home_image,
        make_spec=adapters.make_spec,
        read_catalogue=adapters.catalogue.read,
        leads=lambda: leadership.holds(fence),
    )


def run(settings: Settings, name: str, port: int = PORT) -> None:
    """Serve until SIGTERM or SIGINT. ``name`` names this controller's file of durable facts."""
    adapters = build(settings, "controller")
    facts = Facts(settings.state_dir, name)
    leadership = RedisLeadership(adapters.store.door, name, last_epoch=lambda: facts.last_epoch)
    durable = RedisDurableCopy(adapters.store.door, facts)

    def make_term(fence: Fence, look_again: Callable[[], None]) -> Term:
        desk = desk_of(settings, adapters, leadership, fence)
        wakes = adapters.store.fenced(fence).wakes
        return Term(desk, fence, leadership, durable, wakes, look_again)

    leader = LeaderLoop(leadership, make_term)
    copying = Copying(durable)
    inward = Inward(port, ready=adapters.store.pulse.beats, leads=lambda: leader.leads)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leader.stop())
    registry = RegistryWatch(adapters.registry) if adapters.registry else None
    inward.start()
    copying.start()
    if registry:
        registry.start()
    leader.run()
    if registry:
        registry.stop()
    copying.stop()
    inward.stop()
    adapters.engines.close()


def main() -> None:
    """Read the settings and run; wrong settings are one plain line and exit code 2."""
    environ = Environ()
    try:
        settings = Settings.read(environ)
        name = environ.text("ASCI_CONTROLLER_NAME", "controller")
    except SettingsError as error:
        print(f"controller: {error}", file=sys.stderr)  # noqa: T201 -- there is no log yet
        sys.exit(2)
    logging.configure("controller", settings.log_format)
    run(settings, name)


if __name__ == "__main__":
    main()
