"""Makes the world match the records: woken by every change, and once a second anyhow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from asci_api.domain.errors import Fenced, NotFound, Restoring, Unavailable
from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import Instance, State
from asci_api.domain.node import NodeRegistration
from asci_api.domain.ports import Wakes
from asci_api.loops.steadiness import Steadiness
from asci_api.loops.view import ClusterView
from asci_api.loops.workers import Workers
from asci_api.scheduling.board import Board
from asci_api.work.advance_instance import needs_a_step
from asci_api.work.desk import Desk
from asci_api.work.end_sign_ins import end_sign_ins
from asci_api.work.expire_instances import expire_instances
from asci_api.work.place_instances import place_instances
from asci_api.work.reap_instances import forget_old
from asci_api.work.steer_nodes import steer_nodes
from asci_api.work.write_secrets import want_secrets
from asci_shared.logging import get_logger

TICK = 1.0
"""Seconds between two rounds when nobody wakes it."""
FORGET_EVERY = 600.0
END_SIGN_INS_EVERY = 5.0
RETELL_EVERY = 5.0
"""Seconds between two times that reasons which changed are written for all who wait."""
SECRET = "secret:"
_log = get_logger(__name__)


class Reconciler:
    """One thread: expire, place in order, and hand out the rest to the workers."""

    def __init__(
        self,
        desk: Desk,
        wakes: Wakes,
        workers: Workers,
        view: ClusterView,
        on_fenced: Callable[[], None],
    ) -> None:
        self._desk = desk
        self._wakes = wakes
        self._workers = workers
        self._view = view
        self._board = Board()
        self._on_fenced = on_fenced
        self._over = threading.Event()
        self._forgot_at = 0.0
        self._ended_at = 0.0
        self._retold_at = 0.0
        self._held: set[tuple[InstanceId, NodeName]] = set()
        self._steady = Steadiness(desk.clock)

    def start(self) -> None:
        threading.Thread(target=self._run, name="reconcile", daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self.round()
                self._hear(self._wakes.wait(TICK))
            except (Fenced, Restoring):  # another leads, or Redis lost its data: the leader's loop finds out which
                self._steady.broken()
                self._on_fenced()
                self._over.wait(TICK)
            except Unavailable as away:
                self._steady.broken()
                _log.warning("reconciler.put_off", cause=away.title)
                self._over.wait(TICK)
            except Exception:  # noqa: BLE001 -- top of a thread: the next round may work
                _log.exception("reconciler.broke")
                self._over.wait(TICK)

    def round(self) -> None:
        """One look at all records that have not ended."""
        active = self._desk.instances.active()
        if expire_instances(self._desk, active, self._steady.since()):
            active = self._desk.instances.active()
        registered = self._desk.engines.registrations()
        steer_nodes(self._desk, registered, active)
        for record in self._place(registered, active):
            self._workers.submit(record.id, lane_of(record))
        self._tell_changes(active)
        for record in active:
            if needs_a_step(record):
                self._workers.submit(record.id, lane_of(record))
        self._end_sign_ins()
        self._forget()

    def _tell_changes(self, active: Sequence[Instance]) -> None:
        """Admins see what a node holds as soon as that changed."""
        held = {(record.id, record.placement.node) for record in active if record.placement is not None}
        if held != self._held:
            self._held = held
            self._view.changed.set()

    def _place(self, registered: Mapping[NodeName, NodeRegistration], active: Sequence[Instance]) -> list[Instance]:
        if not any(record.state is State.QUEUED for record in active) or not self._view.complete(registered):
            return []
        now = self._desk.clock()
        retell = now - self._retold_at >= RETELL_EVERY
        if retell:
            self._retold_at = now
        nodes = self._view.nodes(registered, self._desk.overlays.all())
        leftovers = self._view.leftovers(active)
        placed = place_instances(self._desk, nodes, active, self._board, leftovers, retell=retell)
        if placed:
            self._view.changed.set()
        return placed

    def _hear(self, payloads: Sequence[str]) -> None:
        for payload in payloads:
            if payload.startswith(SECRET):
                self._renew(InstanceId(payload.removeprefix(SECRET)))

    def _renew(self, instance: InstanceId) -> None:
        record = self._desk.instances.get(instance)
        if record is None:
            return
        try:
            want_secrets(self._desk, record)
        except NotFound:
            return
        self._workers.submit(instance, lane_of(record))

    def _end_sign_ins(self) -> None:
        now = self._desk.clock()
        if now - self._ended_at >= END_SIGN_INS_EVERY:
            self._ended_at = now
            end_sign_ins(self._desk)

    def _forget(self) -> None:
        now = self._desk.clock()
        if now - self._forgot_at > FORGET_EVERY:
            self._forgot_at = now
            forget_old(self._desk)


def lane_of(record: Instance) -> str:
    """Its node; empty before it has one."""
    return record.placement.node if record.placement else ""
