"""What admins decide, through the API as it is run, on a real Redis: both workers agree, and a loss loses nothing."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from asci_api.domain.audit import AuditEntry
from asci_api.domain.identity import NodeName
from asci_api.domain.node import NodeState
from asci_api.domain.stats import NodeSample, StatsSample
from asci_api.store.durable import RedisDurableCopy
from asci_api.store.facts import Facts
from asci_api.store.leader import RedisLeadership
from tests.support.api_lab import NODE
from tests.support.api_server import ApiServer

NEW = {"name": "node1", "url": "tcp://192.0.2.11:2376", "tls": "site", "labels": {"zone": "b"}}


@pytest.fixture(autouse=True)
def certificates(server: ApiServer) -> None:
    folder = server.folder / "tls" / "site"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text("-----")


@pytest.fixture
def durable(server: ApiServer, tmp_path: Path) -> Iterator[RedisDurableCopy]:
    facts = Facts(tmp_path, "controller")
    yield RedisDurableCopy(server.store.door, facts)
    facts.close()


def get(caller: requests.Session, server: ApiServer, path: str) -> requests.Response:
    answer = caller.get(server.at(path), timeout=10)
    assert answer.status_code == 200, answer.text
    return answer


def change(caller: requests.Session, server: ApiServer, method: str, path: str, body: object) -> requests.Response:
    answer = caller.request(method, server.at(path), json=body, timeout=10)
    assert answer.ok, answer.text
    return answer


def seen_everywhere(server: ApiServer) -> list[requests.Session]:
    """Callers with connections of their own, so that several workers answer."""
    return [server.visitor("admin") for _ in range(6)]


def test_a_node_from_registration_to_removal(server: ApiServer) -> None:
    admins = seen_everywhere(server)
    change(admins[0], server, "POST", "/nodes", NEW)
    change(admins[1], server, "PATCH", "/nodes/node1", {"labels": {"beamline": "xfm"}, "state": "cordoned"})
    for admin in admins:
        node = get(admin, server, "/nodes/node1").json()
        assert (node["labels"], node["wanted"], node["state"]) == ({"beamline": "xfm", "zone": "b"}, "cordoned", "down")
    assert server.store.overlays.all()[NodeName("node1")].wanted is NodeState.CORDONED
    change(admins[2], server, "DELETE", "/nodes/node1", None)
    for admin in admins:
        assert admin.get(server.at("/nodes/node1"), timeout=10).status_code == 404
    deeds = get(admins[0], server, "/audit?action=node").json()["items"]
    assert [deed["action"] for deed in deeds] == ["node.remove", "node.cordon", "node.register"]


def test_everything_decided_outlasts_a_loss_of_redis(server: ApiServer, durable: RedisDurableCopy) -> None:
    admin = server.visitor("admin")
    change(admin, server, "POST", "/nodes", NEW)
    change(admin, server, "PATCH", "/nodes/local", {"labels": {"beamline": "xfm"}})
    change(admin, server, "PATCH", "/environments/desktop", {"enabled": False})
    change(admin, server, "PATCH", "/people/demo", {"quota": {"sessions": 1, "gpus": 0}})
    durable.follow(0.1)
    server.store.door.client.flushall()
    assert admin.patch(server.at("/nodes/local"), json={"state": "cordoned"}, timeout=10).status_code == 503
    leadership = RedisLeadership(server.store.door, "controller", lambda: durable.facts.last_epoch)
    fence = leadership.acquire()
    assert fence is not None
    durable.restore(fence)
    leadership.raise_sentinel(fence)
    leadership.release(fence)
    server.whole()
    nodes = {node["name"]: node for node in get(admin, server, "/nodes").json()["items"]}
    assert nodes["node1"]["labels"] == {"zone": "b"}
    assert nodes["local"]["labels"] == {"beamline": "xfm"}
    (desktop,) = get(admin, server, "/environments?scope=all").json()["items"]
    assert desktop["enabled"] is False
    people = {one["username"]: one for one in get(admin, server, "/people").json()["items"]}
    assert people["demo"]["quota"] == {"sessions": 1, "gpus": 0}
    assert [deed["action"] for deed in get(admin, server, "/audit").json()["items"]] == [
        "person.quota",
        "environment.disable",
        "node.change",
        "node.register",
        "session.start",
    ]


def test_two_who_edit_the_policy_at_once(server: ApiServer) -> None:
    first, second = server.visitor("admin"), server.visitor("admin")
    read = get(first, server, "/scheduler/policy")
    tag, policy = {"If-Match": read.headers["ETag"]}, read.json()
    mine = first.put(server.at("/scheduler/policy"), json={**policy, "strategy": "pack"}, headers=tag, timeout=10)
    assert mine.status_code == 200
    theirs = second.put(server.at("/scheduler/policy"), json={**policy, "drain_seconds": 5}, headers=tag, timeout=10)
    assert (theirs.status_code, theirs.json()["type"]) == (412, "/problems/stale")
    assert get(second, server, "/scheduler/policy").json()["strategy"] == "pack"
    assert get(second, server, "/scheduler/policy").headers["ETag"] == mine.headers["ETag"]


def test_a_long_audit_streams_as_csv(server: ApiServer) -> None:
    admin = server.visitor("admin")
    for number in range(1500):
        entry = AuditEntry(time.time(), "jun", "share.give", f"t{number}", "192.0.2.1", "ok", "r" * 32, {"person": "Ü"})
        server.store.audit.record(entry)
    answer = admin.get(server.at("/audit?actor=jun"), headers={"Accept": "text/csv"}, timeout=30, stream=True)
    pieces = list(answer.iter_content(None))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "Content-Length" not in answer.headers
    assert len(pieces) > 1
    head, *rows = csv.reader(io.StringIO(b"".join(pieces).decode()))
    assert (head[0], len(rows)) == ("id", 1500)
    assert {row[8] for row in rows} == {"person: Ü"}


def test_sign_ins_are_counted_and_ended(server: ApiServer) -> None:
    demo, admin = server.visitor("demo"), server.visitor("admin")
    server.visitor("demo")
    (found,) = get(admin, server, "/people?q=demo s").json()["items"]
    assert found["sign_ins"] == 2
    assert found["last_seen"] is not None
    change(admin, server, "DELETE", "/people/demo/sessions", None)
    assert demo.get(server.at("/me"), timeout=10).json()["reason"] == "ended"
    (found,) = get(admin, server, "/people?q=demo s").json()["items"]
    assert (found["sign_ins"], found["last_seen"]) == (0, None)


def test_samples_become_series(server: ApiServer) -> None:
    now = time.time()
    for number in range(20, 0, -1):
        at = now - 10 * number
        server.store.stats.add(
            StatsSample(at, {"running": float(number)}, nodes={"local": NodeSample(0.5, 0.1, None, 1)})
        )
    told = get(server.visitor("admin"), server, "/stats?window=1h").json()
    counted = [one for one in told["instances"]["running"] if one is not None]
    assert counted == [float(number) for number in range(20, 0, -1)]
    assert told["nodes"]["local"]["cpu"].count(0.5) == 20
    longer = get(server.visitor("admin"), server, "/stats?window=6h").json()
    assert len([one for one in longer["instances"]["running"] if one is not None]) >= 2


def test_the_overview_says_who_is_missing(server: ApiServer) -> None:
    admin = server.visitor("admin")
    told = get(admin, server, "/overview").json()
    assert [one["kind"] for one in told["attention"]] == ["leader", "copy"]
    leadership = RedisLeadership(server.store.door, "controller")
    assert leadership.acquire() is not None
    server.store.cluster.put_nodes([NODE])
    assert [one["kind"] for one in get(admin, server, "/overview").json()["attention"]] == ["copy"]
