"""The policy is set whole; explain says what it would decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from asci_api.domain.environment import Needs
from asci_api.domain.node import NodeState
from tests.support.api_lab import NODE, ApiLab, Visitor
from tests.support.people import DESKTOP


def policy_of(admin: Visitor, **changes: Any) -> dict[str, Any]:
    return {**admin.get("/scheduler/policy").json, **changes}


def test_the_policy_is_set_and_told(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    wanted = policy_of(
        admin,
        strategy="pack",
        weights={"cpu": 1, "memory": 0.5, "gpu": 2, "image": 0},
        overcommit={"cpus": 2, "memory": 1},
        lifetime={"default_seconds": 3600, "maximum_seconds": 7200},
        quotas={
            "default": {"sessions": 3, "gpus": 1},
            "groups": {"xfm": {"sessions": None, "gpus": 4}},
            "people": {"jun": {"sessions": 1, "gpus": 0}},
        },
        priorities={"groups": {"xfm": 10}},
        starvation_seconds=60,
        drain_seconds=120,
    )
    reply = admin.put("/scheduler/policy", wanted)
    assert reply.status == 200
    assert reply.json == {**wanted, "revision": 1}
    again = admin.get("/scheduler/policy")
    assert (again.json, again.headers["ETag"]) == (reply.json, reply.headers["ETag"])
    (entry,) = lab.memory.audit.entries
    assert (entry.what, entry.target, entry.facts["strategy"]) == ("policy.change", "policy", "spread -> pack")
    assert entry.facts["quotas.groups.xfm.sessions"] == "none -> no limit"


def test_what_nobody_edits_stays(lab: ApiLab) -> None:
    lab.memory.policies.change(lambda policy: replace(policy, ready_seconds=99.0))
    admin = lab.visitor("admin")
    admin.put("/scheduler/policy", policy_of(admin, strategy="pack"))
    assert lab.store.policies.get().ready_seconds == 99.0


def test_an_equal_policy_is_no_deed(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    assert admin.put("/scheduler/policy", policy_of(admin)).json["revision"] == 0
    assert lab.memory.audit.entries == []


def test_a_stale_one_is_refused(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    before = admin.get("/scheduler/policy")
    tag = {"If-Match": before.headers["ETag"]}
    assert admin.put("/scheduler/policy", {**before.json, "strategy": "pack"}, headers=tag).status == 200
    without = {name: value for name, value in before.json.items() if name != "revision"}
    refused = admin.put("/scheduler/policy", {**without, "strategy": "spread"}, headers=tag)
    assert (refused.status, refused.slug) == (412, "stale")
    refused = admin.put("/scheduler/policy", {**before.json, "strategy": "spread"})
    assert (refused.status, refused.json["detail"]) == (412, "It is at revision 1.")
    assert lab.store.policies.get().spread is False
    assert admin.put("/scheduler/policy", {**without, "strategy": "spread"}).json["revision"] == 2
    assert [one.outcome for one in lab.memory.audit.entries] == ["ok", "stale", "ok"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"strategy": "random"}, "strategy"),
        ({"weights": {"cpu": -1, "memory": 1, "gpu": 1, "image": 1}}, "weights.cpu"),
        ({"weights": {"cpu": 1, "memory": 1, "gpu": 1}}, "weights.image"),
        ({"overcommit": {"cpus": 0, "memory": 1}}, "overcommit.cpus"),
        ({"lifetime": {"default_seconds": 7200, "maximum_seconds": 3600}}, "lifetime.default_seconds"),
        ({"lifetime": {"default_seconds": 1, "maximum_seconds": 3600}}, "lifetime.default_seconds"),
        ({"quotas": {"default": {"sessions": -1, "gpus": 0}, "groups": {}, "people": {}}}, "quotas.default.sessions"),
        ({"priorities": {"groups": {"xfm": "high"}}}, "priorities.groups.xfm.value"),
        ({"starvation_seconds": -1}, "starvation_seconds"),
        ({"drain_seconds": None}, "drain_seconds"),
        ({"stop_seconds": 10}, "stop_seconds"),
    ],
)
def test_each_field_that_cannot_be_is_named(lab: ApiLab, changes: dict[str, Any], field: str) -> None:
    admin = lab.visitor("admin")
    reply = admin.put("/scheduler/policy", policy_of(admin, **changes))
    assert reply.status == 422
    assert list(reply.json["fields"]) == [field]


def test_a_part_is_not_a_policy(lab: ApiLab) -> None:
    reply = lab.visitor("admin").put("/scheduler/policy", {"strategy": "pack"})
    assert sorted(reply.json["fields"]) == [
        "drain_seconds",
        "lifetime",
        "overcommit",
        "priorities",
        "quotas",
        "starvation_seconds",
        "weights",
    ]


def test_scientists_neither_see_nor_set_it(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    assert demo.get("/scheduler/policy").status == 403
    assert demo.put("/scheduler/policy", policy_of(lab.visitor("admin"))).status == 403
    (attempt,) = lab.memory.audit.entries
    assert (attempt.what, attempt.outcome) == ("policy.change", "not-allowed")
    assert demo.post("/scheduler/explain", {"environment": "desktop"}).status == 403


def test_a_new_default_life_counts_for_what_names_none(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    admin.put("/scheduler/policy", policy_of(admin, lifetime={"default_seconds": 3600, "maximum_seconds": 7200}))
    lab.offer(DESKTOP, replace(DESKTOP, name="long", lifetime=86400.0))
    demo = lab.visitor("demo")
    lives = {
        one["environment"]["name"]: one["expires_at"]
        for name in ("desktop", "long")
        for one in [demo.post("/instances", {"environment": name}).json]
    }
    assert lives == {"desktop": "2027-01-15T09:00:00.000Z", "long": "2027-01-15T10:00:00.000Z"}


def test_explain_tells_the_place_and_the_queue(lab: ApiLab) -> None:
    lab.visitor("demo").start()
    told = lab.visitor("admin").post("/scheduler/explain", {"environment": "desktop"}).json
    assert (told["placement"]["node"], told["never_fits"], told["queue_ahead"]) == ("local", False, 1)
    (verdict,) = told["nodes"]
    assert (verdict["name"], verdict["fits"], verdict["reasons"]) == ("local", True, [])
    assert verdict["score"] == told["placement"]["score"]


def test_explain_knows_priorities(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    admin.put("/scheduler/policy", policy_of(admin, priorities={"groups": {"xfm": 5}}))
    lab.visitor("demo").start()
    wish = {"environment": "desktop", "username": "jun"}
    assert admin.post("/scheduler/explain", wish).json["queue_ahead"] == 0
    lab.memory.clock.advance(601)
    lab.offer()
    assert admin.post("/scheduler/explain", wish).json["queue_ahead"] == 1


def test_explain_tells_why_not(lab: ApiLab) -> None:
    lab.offer(replace(DESKTOP, needs=Needs(cpus=999.0)))
    told = lab.visitor("admin").post("/scheduler/explain", {"environment": "desktop"}).json
    assert (told["placement"], told["never_fits"]) == (None, True)
    assert told["nodes"][0]["reasons"] == ["needs 999 cores, has 32 in all"]
    lab.offer()
    lab.store.cluster.put_nodes([replace(NODE, state=NodeState.DOWN, last_seen=5.0)])
    told = lab.visitor("admin").post("/scheduler/explain", {"environment": "desktop"}).json
    assert (told["placement"], told["never_fits"], told["nodes"][0]["reasons"]) == (None, False, ["does not answer"])


def test_explain_counts_what_admins_decided_a_moment_ago(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    admin.patch("/nodes/local", {"state": "cordoned"})
    told = admin.post("/scheduler/explain", {"environment": "desktop"}).json
    assert told["nodes"][0]["reasons"] == ["takes no new sessions"]


def test_explain_knows_who_and_what(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    assert admin.post("/scheduler/explain", {"environment": "none"}).slug == "unknown-environment"
    wish = {"environment": "desktop", "username": "nobody"}
    assert admin.post("/scheduler/explain", wish).slug == "unknown-person"
