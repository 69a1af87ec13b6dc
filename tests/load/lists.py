"""How fast lists are with many instances: the API as it is run, with two workers, on a real Redis of its own.

``python -m tests.load.lists`` prints them alone.
"""

from __future__ import annotations

import secrets
import statistics
import time
from dataclasses import replace

import requests

from asci_api.domain.decision import Decision, NodeVerdict
from asci_api.domain.identity import InstanceId, NodeName, Username
from asci_api.domain.instance import Instance, Placement, State
from asci_shared.redis_contract import Lease, lease_key, presence_key
from tests.load.numbers import Figure, percentile, table
from tests.support.api_server import ApiServer
from tests.support.people import queued

MANY = 5000
OWNERS = 700
NODES = 40
CALLS = 100
TARGET = 100
"""Milliseconds for 95 of 100 answers."""
LISTS = {
    "the first 100": "",
    "those that run": "&state=running",
    "those that wait": "&state=queued",
    "of a person": "&owner=user5",
    "of a node": "&node=node5",
    "by a word": "&q=user69",
}


def measure() -> list[Figure]:
    """95 of 100 answers of each list, one caller, connection kept; one instance changes between any two."""
    with ApiServer() as server:
        fill(server)
        admin = server.visitor("admin")
        for _ in range(10):  # each worker once at least
            admin.get(server.at("/instances?scope=all"), timeout=60)
        return [_list(server, admin, what, query) for what, query in LISTS.items()]


def fill(server: ApiServer) -> None:
    """Many instances of many people: of ten eight run, one waits, one ended; every third is looked at."""
    now = time.time()
    for number in range(MANY):
        server.store.instances.add(_instance(number, now))
    commands = server.store.door.client.pipeline()
    for number in range(0, MANY, 3):
        lease = Lease(f"c{number}", _id(number), "demo", "Demo", "control", "t", "p", now, now, 0, 0)
        commands.set(lease_key(lease.connection), lease.to_json(), ex=3600)
        commands.zadd(presence_key(lease.instance), {lease.connection: now + 3600})
    commands.execute()


def _list(server: ApiServer, admin: requests.Session, what: str, query: str) -> Figure:
    taken, size = [], 0
    for number in range(CALLS):
        changed = InstanceId(_id(10 * number))
        server.store.instances.change(changed, lambda one: replace(one, title=secrets.token_hex(4)))
        began = time.perf_counter()
        answer = admin.get(server.at(f"/instances?scope=all{query}"), timeout=60)
        taken.append(1000 * (time.perf_counter() - began))
        assert answer.status_code == 200
        size = len(answer.content)
    beside = f"median {statistics.median(taken):.1f} ms, {size / 1000:.0f} kB, {CALLS} times"
    name = f"GET /instances, {what} of {MANY}, 95 of 100 answers"
    return Figure(name, percentile(taken, 0.95), "ms", TARGET, beside)


def _id(number: int) -> str:
    return f"m{number:09}"


def _instance(number: int, now: float) -> Instance:
    record = replace(queued(_id(number), now=now - MANY + number), owner=Username(f"user{number % OWNERS}"))
    place = NodeName(f"node{number % NODES}")
    if number % 10 == 8:
        return replace(record, reasons=("node1: needs 2 cores, 0.5 are free",))
    if number % 10 == 9:
        return replace(record, state=State.STOPPED, ended_at=now)
    verdicts = tuple(NodeVerdict(NodeName(f"node{one}"), True, (), 70.0 - one) for one in range(12))
    decision = Decision(now, place, 70.0, 1, verdicts)
    return replace(record, state=State.RUNNING, running_at=now, placement=Placement(place), decision=decision)


if __name__ == "__main__":
    print(table(measure()))
