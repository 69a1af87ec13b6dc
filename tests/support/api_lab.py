"""The API as its callers meet it, over the store in memory or a real Redis, with four people and one node.

Every answer is held against the OpenAPI document: its status must be told there, its body must fit its schema.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from marshmallow import INCLUDE
from werkzeug.test import TestResponse

from asci_api.app import Deps, create_app
from asci_api.catalogue.notices import NoticeFile
from asci_api.directory.account_file import Account, AccountFile
from asci_api.directory.hashing import Hashing
from asci_api.directory.local import LocalDirectory
from asci_api.domain.environment import Environment
from asci_api.domain.identity import Caller, InstanceId, NodeName
from asci_api.domain.instance import Endpoint, Instance, Placement, State
from asci_api.domain.node import Node, NodeState, Resources
from asci_api.http.call import Site
from asci_api.http.document import openapi_document
from asci_api.http.peers import TrustedPeers
from asci_api.http.routes import OPERATIONS, PREFIX
from asci_api.http.schemas import ProblemDocument
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
    NodeName("local"), "unix:///var/run/docker.sock", NodeState.ACTIVE, Resources(cpus=8.0, memory=32 * 1024**3)
)
_OPERATIONS = {operation.name: operation for operation in OPERATIONS}


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

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        """One call below ``/api/v1``."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        options["headers"] = {**headers, **options.get("headers", {})}
        answer = self._client.open(PREFIX + path, method=method, **options)
        fits(self.lab.app, method, PREFIX + path.split("?", 1)[0], answer)
        return answer

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.ask("GET", path, **options)

    def post(self, path: str, body: object, **options: Any) -> TestResponse:
        return self.ask("POST", path, json=body, **options)

    def put(self, path: str, body: object, **options: Any) -> TestResponse:
        return self.ask("PUT", path, json=body, **options)

    def patch(self, path: str, body: object, **options: Any) -> TestResponse:
        return self.ask("PATCH", path, json=body, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.ask("DELETE", path, **options)

    def start(self, **wish: str) -> str:
        """Start the desktop; its id."""
        answer = self.post("/instances", {"environment": "desktop", **wish})
        assert answer.status_code == 202, answer.text
        return str(answer.json["id"])


def slug(answer: TestResponse) -> str:
    """The slug of a problem."""
    return str(answer.json["type"]).rsplit("/", 1)[-1]


_RESPONSES = {
    one["operationId"]: one["responses"] for methods in openapi_document()["paths"].values() for one in methods.values()
}


def fits(app: Flask, method: str, path: str, answer: Any) -> None:
    """Hold an answer (of Flask's test client, or alike) against the document."""
    name, _ = app.url_map.bind("localhost").match(path, method)
    status = answer.status_code
    assert str(status) in _RESPONSES[name], f"{method} {path} answered {status}: {answer.text}"
    if status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        document = ProblemDocument(unknown=INCLUDE).load(answer.json)
        assert document["status"] == status
        return
    schema = _OPERATIONS[name].outcomes[status].schema if status != 304 else None
    if schema is None:
        assert answer.data == b""
        assert "Content-Type" not in answer.headers
    else:
        schema().load(answer.json)
