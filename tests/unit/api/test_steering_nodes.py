"""Nodes are registered, changed and forgotten by admins; file and settings have their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import Placement, State
from asci_api.domain.node import Disk, Gpu, Load, Node, NodeImage, NodeState, Resources
from tests.support.api_lab import NODE, ApiLab, Reply

GIB = 1024**3
URL = "tcp://192.0.2.11:2376"
NEW: dict[str, Any] = {
    "name": "node1",
    "url": URL,
    "tls": "site",
    "publish": "192.0.2.11",
    "labels": {"zone": "b"},
    "taints": [{"key": "online", "value": "xfm"}],
    "overcommit": {"cpus": 2.0, "memory": 1.0},
    "gpus": [{"model": "A100", "memory": 40 * GIB, "slots": 4}, {"model": "A100", "memory": 40 * GIB}],
}


def certificates(folder: Path, *names: str) -> None:
    """As the operator places them."""
    place = folder / "tls" / "site"
    place.mkdir(parents=True, exist_ok=True)
    for name in names or ("ca.pem", "cert.pem", "key.pem"):
        (place / name).write_text("-----")


def registered(lab: ApiLab, **facts: Any) -> Reply:
    certificates(lab.config)
    return lab.visitor("admin").post("/nodes", {**NEW, **facts})


def seen(lab: ApiLab, **facts: Any) -> None:
    """What the controller says of ``node1`` after a look."""
    node = Node(NodeName("node1"), URL, NodeState.ACTIVE, Resources(16.0, 64 * GIB), last_seen=lab.clock())
    lab.store.cluster.put_nodes([NODE, replace(node, **facts)])


def deeds(lab: ApiLab) -> list[tuple[str, str, str]]:
    return [(one.what, one.target, one.outcome) for one in lab.memory.audit.entries]


def test_a_node_is_registered_and_listed_before_anybody_has_seen_it(lab: ApiLab) -> None:
    reply = registered(lab)
    assert (reply.status, reply.headers["Location"]) == (201, "/api/v1/nodes/node1")
    node = lab.visitor("admin").get("/nodes/node1").json
    assert node == reply.json
    assert (node["state"], node["wanted"], node["source"], node["last_seen"]) == ("down", "active", "api", None)
    assert node["error"] == "ASCI has not seen this node yet."
    assert (node["labels"], node["publish"]) == ({"zone": "b"}, "192.0.2.11")
    assert node["taints"] == [{"key": "online", "value": "xfm", "effect": "NoStart"}]
    assert node["overcommit"] == {"cpus": 2.0, "memory": 1.0}
    assert [(gpu["index"], gpu["uuid"], gpu["slots"], gpu["mode"]) for gpu in node["gpus"]] == [
        (0, "node1-0", 4, "free"),
        (1, "node1-1", 1, "free"),
    ]
    assert [one["name"] for one in lab.visitor("admin").get("/nodes").json["items"]] == ["local", "node1"]
    assert deeds(lab) == [("node.register", "node1", "ok")]
    assert "pem" not in str(lab.store.registrations.all())


def test_what_the_controller_sees_is_shown(lab: ApiLab) -> None:
    registered(lab)
    label = '{"name":"desktop"}'
    digest = "registry.example/asci/env-desktop@sha256:" + "a" * 64
    seen(
        lab,
        allocated=Resources(4.0, 8 * GIB, 1),
        instances=2,
        engine_labels={"zone": "a", "rack": "7"},
        images=(NodeImage("sha256:1", ("asci/env-desktop:dev",), 600, label, digest), NodeImage("sha256:2", (), 5)),
        gpus=(Gpu("GPU-1", slots=4, sharers=2, model="A100", memory=40 * GIB, instances=(InstanceId("k3v9x2mqaa"),)),),
        disk=Disk(100, 40),
        load=Load(12.345, 7),
        engine_version="28.0",
        engine_api="1.48",
    )
    node = lab.visitor("admin").get("/nodes/node1").json
    assert (node["state"], node["labels"], node["engine_labels"]["zone"]) == ("active", {"rack": "7", "zone": "b"}, "a")
    assert node["allocated"] == {"cpus": 4.0, "memory": 8 * GIB, "gpus": 1, "instances": 2}
    assert node["capacity"]["gpus"] == 1
    (gpu,) = node["gpus"]
    assert (gpu["mode"], gpu["used_slots"], gpu["instances"]) == ("shared", 2, ["k3v9x2mqaa"])
    assert [(one["environment"], one["name"], one["digest"]) for one in node["images"]] == [
        ("desktop", "asci/env-desktop:dev", "sha256:" + "a" * 64),
        (None, "sha256:2", None),
    ]
    assert (node["disk"], node["load"]) == ({"total": 100, "free": 40}, {"cpu_percent": 12.3, "memory_used": 7})
    assert node["engine"] == {"version": "28.0", "api": "1.48"}


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"name": "Node_1"}, "name"),
        ({"url": "http://192.0.2.11:2376"}, "url"),
        ({"url": "tcp://192.0.2.11"}, "url"),
        ({"url": "tcp://192.0.2.11:2376/path"}, "url"),
        ({"url": "tcp://192.0.2.11:2376", "tls": ""}, "url"),
        ({"url": "unix:///run/docker.sock"}, "url"),
        ({"publish": "not an address"}, "publish"),
        ({"tls": "../secrets"}, "tls"),
        ({"tls": "elsewhere"}, "tls"),
        ({"labels": {"-bad": "x"}}, "labels"),
        ({"labels": {"zone": "no spaces"}}, "labels"),
        ({"taints": [{"key": "a"}, {"key": "a"}]}, "taints"),
        ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, "taints.0.effect"),
        ({"overcommit": {"cpus": 0, "memory": 1}}, "overcommit.cpus"),
        ({"gpus": [{"uuid": "GPU-1"}, {"uuid": "GPU-1"}]}, "gpus"),
        ({"gpus": [{"slots": 0}]}, "gpus.0.slots"),
        ({"key": "-----BEGIN"}, "key"),
    ],
)
def test_what_cannot_be_registered_is_named(lab: ApiLab, facts: dict[str, Any], field: str) -> None:
    reply = registered(lab, **facts)
    assert (reply.status, reply.slug) == (422, "invalid-input")
    assert list(reply.json["fields"]) == [field]
    assert lab.store.registrations.all() == []


def test_certificates_must_lie_there(lab: ApiLab) -> None:
    certificates(lab.config, "ca.pem", "cert.pem")
    reply = lab.visitor("admin").post("/nodes", NEW)
    assert reply.json["fields"] == {"tls": ["The folder tls/site lacks key.pem."]}


def test_a_name_is_given_once(lab: ApiLab) -> None:
    registered(lab)
    assert registered(lab).slug == "node-exists"
    assert registered(lab, name="local").slug == "node-exists"
    assert deeds(lab)[1:] == [("node.register", "node1", "node-exists"), ("node.register", "local", "node-exists")]


def test_scientists_steer_nothing(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    assert demo.post("/nodes", NEW).status == 403
    assert demo.patch("/nodes/local", {"state": "cordoned"}).status == 403
    assert demo.delete("/nodes/local").status == 403
    assert lab.store.overlays.all() == {}
    assert deeds(lab) == [
        ("node.register", "node1", "not-allowed"),
        ("node.cordon", "local", "not-allowed"),
        ("node.remove", "local", "not-allowed"),
    ]


def test_labels_are_set_hidden_and_shown_again(lab: ApiLab) -> None:
    registered(lab)
    seen(lab, engine_labels={"rack": "7", "site": "as"})
    admin = lab.visitor("admin")
    node = admin.patch("/nodes/node1", {"labels": {"zone": "c", "beamline": "xfm", "rack": None, "none": None}}).json
    assert node["labels"] == {"beamline": "xfm", "site": "as", "zone": "c"}
    assert node["overlay"] == {"labels": {"beamline": "xfm", "zone": "c"}, "removed_labels": ["rack"]}
    node = admin.patch("/nodes/node1", {"labels": {"rack": "8", "zone": None}}).json
    assert node["labels"] == {"beamline": "xfm", "rack": "8", "site": "as"}
    node = admin.patch("/nodes/node1", {"labels": {"rack": None, "zone": "b"}}).json
    assert node["overlay"]["removed_labels"] == ["rack"]
    assert lab.memory.audit.entries[-1].facts == {"labels": "-rack, zone=b"}


def test_taints_and_overcommit_are_laid_over(lab: ApiLab) -> None:
    registered(lab)
    admin = lab.visitor("admin")
    change = {"taints": [{"key": "gpu"}], "overcommit": {"cpus": 3, "memory": 1.5}}
    node = admin.patch("/nodes/node1", change).json
    assert (node["taints"], node["overcommit"]) == (
        [{"key": "gpu", "value": "", "effect": "NoStart"}],
        {"cpus": 3.0, "memory": 1.5},
    )
    node = admin.patch("/nodes/node1", {"taints": [], "overcommit": None}).json
    assert (node["taints"], node["overcommit"]) == ([], {"cpus": 2.0, "memory": 1.0})
    assert admin.get("/nodes/local").json["overcommit"] == {"cpus": 4.0, "memory": 1.5}
    assert deeds(lab)[1:] == [("node.change", "node1", "ok")] * 2


def test_a_drain_has_reason_and_deadline_and_can_be_called_off(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    node = admin.patch("/nodes/local", {"state": "draining", "reason": "New discs."}).json
    assert (node["state"], node["drain"]["reason"], node["drain"]["by"]) == ("draining", "New discs.", "admin")
    drain = lab.store.overlays.all()[NODE.name].drain
    assert drain is not None
    assert drain.deadline == lab.clock() + 86400.0
    lab.memory.clock.advance(10)
    later = admin.patch("/nodes/local", {"state": "draining", "deadline": None}).json["drain"]
    assert (later["deadline"], later["since"], later["reason"]) == (None, node["drain"]["since"], "New discs.")
    until = admin.patch("/nodes/local", {"deadline": "2027-01-16T00:00:00Z"}).json["drain"]
    assert until["deadline"] == "2027-01-16T00:00:00.000Z"
    node = admin.patch("/nodes/local", {"state": "active"}).json
    assert (node["state"], node["drain"]) == ("active", None)
    assert admin.patch("/nodes/local", {"state": "cordoned"}).json["state"] == "cordoned"
    assert [what for what, _, _ in deeds(lab)] == [
        "node.drain",
        "node.drain",
        "node.change",
        "node.activate",
        "node.cordon",
    ]


def test_what_changes_nothing_is_no_deed(lab: ApiLab) -> None:
    assert lab.visitor("admin").patch("/nodes/local", {"state": "active"}).status == 200
    assert lab.visitor("admin").patch("/nodes/local", {}).status == 200
    assert deeds(lab) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"state": "down"}, "state"),
        ({"deadline": "2027-01-16T00:00:00Z"}, "deadline"),
        ({"state": "draining", "deadline": "2020-01-01T00:00:00Z"}, "deadline"),
        ({"labels": {"zone": "no spaces"}}, "labels"),
        ({"overcommit": {"cpus": 1}}, "overcommit.memory"),
        ({"reason": "two\nlines"}, "reason"),
        ({"url": "tcp://192.0.2.1:2376"}, "url"),
    ],
)
def test_what_no_node_can_be_is_named(lab: ApiLab, change: dict[str, Any], field: str) -> None:
    reply = lab.visitor("admin").patch("/nodes/local", change)
    assert reply.status == 422
    assert list(reply.json["fields"]) == [field]
    assert lab.store.overlays.all() == {}


def test_only_a_silent_node_is_declared_gone(lab: ApiLab) -> None:
    registered(lab)
    seen(lab)
    admin = lab.visitor("admin")
    assert admin.patch("/nodes/node1", {"gone": True}).slug == "node-answers"
    seen(lab, state=NodeState.DOWN, down_since=lab.clock() - 60)
    node = admin.patch("/nodes/node1", {"gone": True, "reason": "It burnt."}).json
    assert (node["state"], node["gone"]) == ("down", True)
    assert (
        lab.store.overlays.all()[NodeName("node1")].gone_reason
        == "Node node1 was declared gone by Ada Admin. It burnt."
    )
    assert admin.patch("/nodes/node1", {"gone": False}).json["gone"] is False
    assert deeds(lab)[1:] == [
        ("node.gone", "node1", "node-answers"),
        ("node.gone", "node1", "ok"),
        ("node.return", "node1", "ok"),
    ]


def test_a_missing_snapshot_declares_nothing_gone(lab: ApiLab) -> None:
    lab.memory.clock.advance(60)
    admin = lab.visitor("admin")
    assert admin.patch("/nodes/local", {"gone": True}).slug == "node-answers"
    assert admin.patch("/nodes/local", {"state": "cordoned"}).json["wanted"] == "cordoned"
    assert admin.get("/nodes").slug == "no-snapshot"


def test_a_node_in_use_stays(lab: ApiLab) -> None:
    registered(lab)
    one = lab.visitor("demo").start()
    lab.store.instances.change(
        InstanceId(one), lambda now: now.to(State.PLACED, lab.clock(), placement=Placement(NodeName("node1")))
    )
    admin = lab.visitor("admin")
    assert admin.delete("/nodes/node1").slug == "node-in-use"
    lab.ends(one)
    assert admin.delete("/nodes/node1").status == 204
    assert admin.get("/nodes/node1").slug == "unknown-node"
    assert admin.delete("/nodes/node1").slug == "unknown-node"
    assert deeds(lab)[-2:] == [("node.remove", "node1", "node-in-use"), ("node.remove", "node1", "ok")]


def test_the_operators_nodes_are_not_taken_away_here(lab: ApiLab) -> None:
    (lab.config / "nodes.yaml").write_text("- {name: gpu-1, url: 'tcp://192.0.2.12:2376', tls: site}\n")
    admin = lab.visitor("admin")
    assert admin.get("/nodes/gpu-1").json["source"] == "file"
    assert admin.delete("/nodes/gpu-1").slug == "node-from-file"
    assert admin.delete("/nodes/local").slug == "node-from-file"
    assert admin.patch("/nodes/gpu-1", {"state": "cordoned"}).json["wanted"] == "cordoned"


def test_a_name_of_the_operators_file_wins(lab: ApiLab) -> None:
    registered(lab)
    (lab.config / "nodes.yaml").write_text("- {name: node1, url: 'tcp://192.0.2.99:2376', tls: site}\n")
    node = lab.visitor("admin").get("/nodes/node1").json
    assert (node["url"], node["source"]) == ("tcp://192.0.2.99:2376", "file")
