"""Keeps an observer at every registered node, and tells ASCI what they see: snapshot, catalogue, samples."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from asci_api.domain.errors import Fenced, Restoring, Unavailable
from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import Instance
from asci_api.domain.node import Node
from asci_api.loops.observer import Observer
from asci_api.loops.prefetcher import Prefetcher
from asci_api.loops.view import ClusterView
from asci_api.work.adopt_instance import adopt_instances
from asci_api.work.desk import Desk
from asci_api.work.observe_node import Look
from asci_api.work.place_instances import with_holdings
from asci_api.work.prefetch_images import errands
from asci_api.work.reap_instances import reap_orphans
from asci_api.work.sample_stats import Sampler
from asci_api.work.settle_instances import settle_instances
from asci_api.work.steer_nodes import welcome_back
from asci_shared.logging import get_logger

TICK = 1.0
"""Seconds between two looks at the registrations."""
PUBLISH_EVERY = 5.0
"""Seconds between two snapshots when nothing changes that cannot wait."""
LEAST_PAUSE = 0.1
_log = get_logger(__name__)


class Surveyor:
    """One thread, beside two for each node: a slow or dead node holds up nobody else. ``pending`` gives the instances
    that a worker has in hand."""

    def __init__(
        self, desk: Desk, view: ClusterView, pending: Callable[[], frozenset[InstanceId]], on_fenced: Callable[[], None]
    ) -> None:
        self._desk = desk
        self._view = view
        self._pending = pending
        self._on_fenced = on_fenced
        self._over = threading.Event()
        self._observers: dict[NodeName, Observer] = {}
        self._published_at = 0.0
        self._sampler = Sampler()
        self._prefetcher = Prefetcher(desk)

    def start(self) -> None:
        threading.Thread(target=self._run, name="survey", daemon=True).start()

    def stop(self) -> None:
        self._over.set()
        self._view.changed.set()
        for observer in list(self._observers.values()):
            observer.stop()
        self._prefetcher.close()

    def take(self, look: Look) -> None:
        """What follows from a look at a node. ``pending`` is read before the records, so that an instance whose worker
        just finished is judged by its new record or not at all. A node counts for placing only once what runs there
        without a record was adopted."""
        first = not self._view.knows(look.node)
        if not first:
            self._view.put(look)
        pending = self._pending()
        active = self._desk.instances.active()
        settle_instances(self._desk, look, active, pending)
        adopt_instances(self._desk, look, {record.id for record in active} | pending)
        reap_orphans(self._desk, look, pending)
        welcome_back(self._desk, look, self._desk.overlays.all())
        if first and not self._over.is_set():
            self._view.put(look)
            _log.info("node.seen", node=look.node, answers=look.answered, containers=len(look.containers))

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self.round()
            except (Fenced, Restoring):
                self._on_fenced()
                self._over.wait(TICK)
            except Unavailable as away:
                _log.warning("surveyor.put_off", cause=away.title)
                self._over.wait(TICK)
            except Exception:  # noqa: BLE001 -- top of a thread: the next round may work
                _log.exception("surveyor.broke")
                self._over.wait(TICK)
            self._view.changed.wait(TICK)
            self._over.wait(LEAST_PAUSE)

    def round(self) -> None:
        """Observers for what is registered now, and whatever is due to be told."""
        registered = self._desk.engines.registrations()
        self._follow(list(registered))
        now = self._desk.clock()
        due = self._view.changed.is_set() or now - self._published_at >= PUBLISH_EVERY
        if not (due or self._sampler.due(now)) or not self._view.looks():
            return
        self._view.changed.clear()
        active = self._desk.instances.active()
        overlays = self._desk.overlays.all()
        seen = with_holdings(self._view.nodes(registered, overlays), active, self._view.leftovers(active))
        self._desk.cluster.put_nodes(seen)
        self._published_at = now
        if self._view.complete(registered):
            self._offer(seen, active)
        self._sample(seen, active, now)

    def _follow(self, registered: Sequence[NodeName]) -> None:
        for gone in self._observers.keys() - set(registered):
            self._observers.pop(gone).stop()
            _log.info("node.left", node=gone)
        for name in registered:
            if name not in self._observers and not self._over.is_set():
                observer = self._observers[name] = Observer(self._desk, name, self.take, self._on_fenced)
                observer.start()
        self._view.keep(registered)

    def _offer(self, nodes: Sequence[Node], active: Sequence[Instance]) -> None:
        """The catalogue, where an engine answered: silence is no evidence that there is none."""
        if any(look.answered for look in self._view.looks()):
            environments = self._desk.read_catalogue(self._view.images())
            self._desk.cluster.put_environments(environments)
            self._prefetcher.take(errands(nodes, environments, active, self._desk.policies.get()))

    def _sample(self, nodes: Sequence[Node], active: Sequence[Instance], now: float) -> None:
        if self._sampler.due(now):
            self._desk.stats.add(self._sampler.sample(nodes, active, now, self._desk.policies.get()))
