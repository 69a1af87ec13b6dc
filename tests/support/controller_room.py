"""A controller's desk over the store and engine in memory, with what a test wants to look at beside it."""

from __future__ import annotations

from collections.abc import Sequence

from asci_api.domain.environment import Environment
from asci_api.domain.errors import NotFound
from asci_api.domain.identity import NodeName, Person
from asci_api.domain.instance import Instance
from asci_api.domain.node import NodeImage
from asci_api.domain.ports import ContainerSpec, Mount
from asci_api.work.desk import Desk
from asci_api.work.observe_node import Look, node_of, observe_node
from asci_api.work.place_instances import place_instances
from tests.support.fake_engine import FakeEngine, FakeEngines, FakeReadiness
from tests.support.memory import MemoryStore
from tests.support.people import ADMIN, DEMO, DESKTOP, JUN

LOCAL = NodeName("local")
BASE = NodeImage("sha256:base", ("asci/base:dev",), 600_000_000)


class People:
    """A directory of three people (what the controller asks of a directory is ``get``)."""

    def authenticate(self, username: str, password: str) -> Person | None:
        raise NotImplementedError

    def get(self, username: str) -> Person | None:
        return {person.username: person for person in (DEMO, JUN, ADMIN)}.get(username)  # type: ignore[call-overload, no-any-return]

    def everybody(self) -> list[Person]:
        raise NotImplementedError

    def search(self, text: str, limit: int = 10) -> list[Person]:
        raise NotImplementedError

    def change_password(self, username: str, new: str) -> None:
        raise NotFound(username)


def simple_spec(instance: Instance) -> ContainerSpec:
    """A container of the right name with a home to mount; the real one has tests of its own."""
    home = f"/home/{instance.owner}"
    return ContainerSpec(
        name=f"asci-test-{instance.id}",
        image=instance.image_id,
        labels={
            "org.asci.instance": instance.id,
            "org.asci.owner": instance.owner,
            "org.asci.environment": instance.environment,
        },
        environment={"ASCI_HOME": home},
        user=f"{instance.uid}:{instance.gid}",
        groups=(),
        mounts=(Mount(f"/homes/{instance.owner}", home),),
        tmpfs={},
        port=instance.port,
        network="asci-test-instances",
        hostname="desktop",
        cpus=instance.needs.cpus,
        memory=instance.needs.memory,
        shm=instance.needs.shm_bytes,
        pids=instance.needs.pids,
    )


class Room:
    """One controller, one node ``local`` that has the desktop's image."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        image = NodeImage(DESKTOP.image_id, (DESKTOP.image,), 600_000_000, "{}")
        self.engine = FakeEngine("local", clock=self.store.clock, images=[image, BASE])
        self.engines = FakeEngines(self.engine)
        self.leading = True
        self.look_before: Look | None = None
        self.desk = Desk(
            instances=self.store.instances,
            cluster=self.store.cluster,
            engines=self.engines,
            readiness=FakeReadiness(self.engines),
            policies=self.store.policies,
            overlays=self.store.overlays,
            stats=self.store.stats,
            revocations=self.store.revocations,
            tokens=self.store.tokens,
            audit=self.store.audit,
            directory=People(),
            clock=self.store.clock,
            key=b"k" * 32,
            name_of=lambda instance: f"asci-test-{instance}",
            home_image=BASE.tags[0],
            make_spec=simple_spec,
            read_catalogue=self._catalogue,
            leads=lambda: self.leading,
        )

    def _catalogue(self, images: Sequence[NodeImage]) -> list[Environment]:
        return [DESKTOP] if images else []

    def look(self) -> Look:
        """Look at the node once."""
        self.look_before = observe_node(self.desk, LOCAL, self.look_before)
        return self.look_before

    def place(self) -> list[Instance]:
        """Look, and place what is queued."""
        return place_instances(self.desk, [node_of(self.look())], self.store.instances.active())

    def now(self, instance: Instance) -> Instance:
        """The record as it stands."""
        stored = self.store.instances.get(instance.id)
        assert stored is not None
        return stored
