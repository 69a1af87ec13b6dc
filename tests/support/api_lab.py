"""The API as its callers meet it, over the store in memory or a real Redis, with four people and one node.

Every answer is held against the OpenAPI document: its status must be told there, its body must fit its schema.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from marshmallow import INCLUDE
from werkzeug.datastructures import Headers
from werkzeug.routing import Map, Rule

from asci_api.app import Deps, create_app
from asci_api.catalogue.node_file import NodeFile
from asci_api.catalogue.notices import NoticeFile
from asci_api.directory.account_file import Account, AccountFile
from asci_api.directory.hashing import Hashing
from asci_api.directory.local import LocalDirectory
from asci_api.domain.environment import Environment
from asci_api.domain.identity import Caller, InstanceId, NodeName
from asci_api.domain.instance import Endpoint, Instance, Placement, State
from asci_api.domain.node import Node, NodeImage, NodeRegistration, NodeSource, NodeState, Resources
from asci_api.engine.tls_folders import TlsFolders
from asci_api.http.answered import ProblemDocument
from asci_api.http.call import Site
from asci_api.http.document import openapi_document
from asci_api.http.peers import TrustedPeers
from asci_api.http.routes import OPERATIONS, PREFIX, rule_of
from asci_api.work.front_desk import FrontDesk
from asci_api.work.sign_in import hash_of
from asci_shared.redis_contract import Lease, TokenRecord
from tests.support.fake_engine import FakeEngine, FakeEngines
from tests.support.memory import MemoryStore
from tests.support.people import DESKTOP
from tests.support.store_rooms import Stores

ORIGIN = "http://localhost:8080"
PEOPLE = {
    "demo": Account("Demo Scientist", 20001, 20001, ""),
    "admin": Account("Ada Admin", 20002, 20002, "", roles=("user", "admin")),
    "jun": Account("Jun Okafor", 20003, 20003, "", groups={"xfm": 30001}),
    "mara": Account("Mara Lindqvist", 20004, 20004, ""),
}
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hashes that cost nothing; the real parameters have a test of their own."""
NODE = Node(
    NodeName("local"),
    "unix:///var/run/docker.sock",
    NodeState.ACTIVE,
    Resources(cpus=8.0, memory=32 * 1024**3),
    images=(NodeImage(DESKTOP.image_id, (DESKTOP.image,), 600_000_000, '{"name":"desktop"}'),),
)
LOCAL = NodeRegistration(NODE.name, NODE.url, source=NodeSource.BUILT_IN)
_OPERATIONS = {operation.name: operation for operation in OPERATIONS}


@dataclass(frozen=True)
class Reply:
    """An answer as tests read it. ``json`` is None without a JSON body."""

    status: int
    json: Any
    headers: Headers
    text: str

    @property
    def slug(self) -> str:
        """The slug of a problem, empty for anything else."""
        kind = self.json.get("type", "") if isinstance(self.json, dict) else ""
        return str(kind).rsplit("/", 1)[-1]


def password_of(username: str) -> str:
    """The password that a person of :data:`PEOPLE` has."""
    return f"Correct-{username[::-1]}-97"


def accounts(folder: Path) -> AccountFile:
    """A file with everybody of :data:`PEOPLE`."""
    file = AccountFile(folder / "accounts.json")
    with file.edit() as everybody:
        for username, account in PEOPLE.items():
            everybody[username] = replace(account, hash=QUICK.hash(password_of(username)))
    return file


class ApiLab:
    """One API. ``folder`` holds its accounts and configuration."""

    def __init__(
        self,
        folder: Path,
        stores: Stores | None = None,
        clock: Callable[[], float] | None = None,
        origin: str = ORIGIN,
        peers: tuple[str, ...] = ("127.0.0.1",),
    ) -> None:
        self.memory = MemoryStore()
        self.store: Stores = self.memory if stores is None else stores
        self.clock: Callable[[], float] = clock or self.memory.clock
        self.config = folder
        self.accounts = accounts(folder)
        self.engine = FakeEngine("local", clock=self.clock)
        self.site = Site(origin)
        store = self.store
        self.desk = FrontDesk(
            instances=store.instances,
            idempotency=store.idempotency,
            tokens=store.tokens,
            attempts=store.attempts,
            tickets=store.tickets,
            presence=store.presence,
            revocations=store.revocations,
            rings=store.rings,
            wakes=store.wakes,
            audit=store.audit,
            cluster=store.cluster,
            policies=store.policies,
            registrations=store.registrations,
            overlays=store.overlays,
            switches=store.switches,
            stats=store.stats,
            declared=NodeFile(folder / "nodes.yaml", [LOCAL]).declared,
            tls_problem=TlsFolders(folder / "tls").problem,
            directory=LocalDirectory(self.accounts, Hashing(QUICK)),
            notices=NoticeFile(folder),
            engines=FakeEngines(self.engine),
            clock=self.clock,
            key=b"k" * 32,
        )
        self.app: Flask = create_app(Deps(self.desk, self.site, TrustedPeers(peers), store.pulse))

    def offer(self, *environments: Environment) -> None:
        """What the controller does after its first look: a catalogue and one idle node."""
        self.store.cluster.put_environments(environments or (DESKTOP,))
        self.store.cluster.put_nodes([NODE])

    def caller(self, username: str, address: str = "192.0.2.7") -> Caller:
        """A person who asks the verbs themselves."""
        person = self.desk.directory.get(username)
        assert person is not None
        return Caller(person, f"token-{username}", address, "r" * 32)

    def visitor(self, username: str = "") -> Visitor:
        """A program that calls with a person's Bearer token; without a name, with none."""
        if not username:
            return Visitor(self, "")
        token = f"{username}-token".ljust(43, "x")
        person = self.desk.directory.get(username)
        assert person is not None
        now = self.clock()
        record = TokenRecord(username, person.name, person.roles, now, now + 7 * 86400, 8 * 3600, "192.0.2.7")
        self.store.tokens.add(hash_of(token), record)
        return Visitor(self, token)

    def runs(self, instance_id: str) -> Instance:
        """What the controller does: the instance runs on the node."""

        def step(now: Instance) -> Instance:
            at = self.clock()
            placed = now.to(State.PLACED, at, placement=Placement(NODE.name))
            starting = placed.to(State.STARTING, at, container="c" * 64)
            return starting.to(State.RUNNING, at, running_at=at, endpoint=Endpoint("172.30.0.1", 49155))

        return self.store.instances.change(InstanceId(instance_id), step)

    def ends(self, instance_id: str, state: State = State.STOPPED, **facts: object) -> Instance:
        """What the controller does: the instance ended."""

        def step(now: Instance) -> Instance:
            return replace(now, state=state, state_since=self.clock(), ended_at=self.clock(), endpoint=None, **facts)  # type: ignore[arg-type]

        return self.store.instances.change(InstanceId(instance_id), step)

    def lease(self, instance_id: str, username: str, connection: str = "c1", mode: str = "control") -> Lease:
        """What a proxy writes of a viewer."""
        name = PEOPLE[username].name
        now = self.clock()
        return Lease(connection, instance_id, username, name, mode, "t", "p", now, now, 0, 0)


class Visitor:
    """Calls the API and holds what it answers against the document."""

    def __init__(self, lab: ApiLab, token: str) -> None:
        self.lab = lab
        self.token = token
        self._client = lab.app.test_client(use_cookies=False)

    def ask(self, method: str, path: str, **options: Any) -> Reply:
        """One call below ``/api/v1``."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        options["headers"] = {**headers, **options.get("headers", {})}
        answer = self._client.open(PREFIX + path, method=method, **options)
        reply = Reply(answer.status_code, answer.get_json(silent=True), answer.headers, answer.text)
        fits(method, PREFIX + path.split("?", 1)[0], reply)
        return reply

    def get(self, path: str, **options: Any) -> Reply:
        return self.ask("GET", path, **options)

    def post(self, path: str, body: object, **options: Any) -> Reply:
        return self.ask("POST", path, json=body, **options)

    def put(self, path: str, body: object, **options: Any) -> Reply:
        return self.ask("PUT", path, json=body, **options)

    def patch(self, path: str, body: object, **options: Any) -> Reply:
        return self.ask("PATCH", path, json=body, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        return self.ask("DELETE", path, **options)

    def start(self, **wish: str) -> str:
        """Start the desktop; its id."""
        reply = self.post("/instances", {"environment": "desktop", **wish})
        assert reply.status == 202, reply.text
        return str(reply.json["id"])


_TOLD = {
    one["operationId"]: one["responses"] for methods in openapi_document()["paths"].values() for one in methods.values()
}
_ROUTES = Map([Rule(rule_of(one), methods=[one.method], endpoint=one.name) for one in OPERATIONS]).bind("localhost")


def operation_of(method: str, path: str) -> str:
    """The name of the operation that answers."""
    name, _ = _ROUTES.match(path, method)
    return str(name)


def fits(method: str, path: str, reply: Reply) -> None:
    """Hold an answer against the document: its status is told there, its body fits its schema."""
    name = operation_of(method, path)
    assert str(reply.status) in _TOLD[name], f"{method} {path} answered {reply.status}: {reply.text}"
    if reply.status >= 400:
        assert reply.headers["Content-Type"] == "application/problem+json"
        document = ProblemDocument(unknown=INCLUDE).load(reply.json)
        assert document["status"] == reply.status
        assert document["request_id"] == reply.headers["X-Request-Id"]
        return
    outcome = _OPERATIONS[name].outcomes[reply.status] if reply.status != 304 else None
    if outcome and outcome.other and reply.headers["Content-Type"].startswith(outcome.other):
        return
    schema = outcome.schema if outcome else None
    if schema is None:
        assert reply.text == ""
        assert "Content-Type" not in reply.headers
    else:
        schema().load(reply.json)
