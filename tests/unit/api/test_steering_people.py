"""Admins see everybody, give quotas, end sign-ins; quotas count when something is started."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asci_api.domain.environment import GpuNeed, GpuShare, Needs
from asci_api.domain.identity import Group, Person, Quota, Username
from asci_api.domain.policy import Policy, quota_of
from tests.support.api_lab import ApiLab
from tests.support.people import DESKTOP

POLICY = Policy(
    quota=Quota(2, 0),
    group_quotas={"xfm": Quota(3, 1), "imbl": Quota(None, 0), "visitors": Quota(1, 0)},
    people_quotas={"mara": Quota(0, 0)},
)


def member(*groups: str, username: str = "jun") -> Person:
    return Person(Username(username), "X", 20001, 20001, groups=tuple(Group(name, 30000) for name in groups))


@pytest.mark.parametrize(
    ("person", "quota", "origin"),
    [
        (member(), Quota(2, 0), "default"),
        (member("other"), Quota(2, 0), "default"),
        (member("visitors"), Quota(1, 0), "group visitors"),
        (member("visitors", "xfm"), Quota(3, 1), "group xfm"),
        (member("xfm", "imbl"), Quota(None, 0), "group imbl"),
        (member("xfm", username="mara"), Quota(0, 0), "person"),
    ],
)
def test_the_nearest_quota_counts(person: Person, quota: Quota, origin: str) -> None:
    given = quota_of(POLICY, person)
    assert (given.quota, given.origin) == (quota, origin)


def test_a_group_lets_its_members_start_more(lab: ApiLab) -> None:
    lab.memory.policies.change(lambda _: POLICY)
    demo, jun = lab.visitor("demo"), lab.visitor("jun")
    assert [demo.post("/instances", {"environment": "desktop"}).status for _ in range(3)] == [202, 202, 409]
    assert [jun.post("/instances", {"environment": "desktop"}).status for _ in range(4)] == [202, 202, 202, 409]
    assert jun.get("/me").json["quota"] == {"sessions": 3, "gpus": 1}
    assert lab.visitor("mara").post("/instances", {"environment": "desktop"}).slug == "quota-reached"


def test_gpus_are_counted(lab: ApiLab) -> None:
    lab.memory.policies.change(lambda _: POLICY)
    lab.offer(replace(DESKTOP, needs=Needs(gpu=GpuNeed(GpuShare.SHARED, 1))))
    lab.store.cluster.put_nodes([])
    jun = lab.visitor("jun")
    assert jun.post("/instances", {"environment": "desktop"}).status == 202
    refused = jun.post("/instances", {"environment": "desktop"})
    assert (refused.slug, refused.json["detail"]) == ("quota-reached", "It needs 1 more, and you hold 1 of 1 GPUs.")
    assert lab.visitor("demo").post("/instances", {"environment": "desktop"}).slug == "quota-reached"


def test_no_limit_is_no_limit(lab: ApiLab) -> None:
    lab.memory.policies.change(lambda _: Policy(quota=Quota(None, None)))
    demo = lab.visitor("demo")
    assert {demo.post("/instances", {"environment": "desktop"}).status for _ in range(12)} == {202}
    assert demo.get("/me").json["quota"] == {"sessions": None, "gpus": None}


def test_everybody_is_listed_with_what_they_have(lab: ApiLab) -> None:
    lab.memory.policies.change(lambda _: POLICY)
    jun = lab.visitor("jun")
    jun.start()
    lab.memory.clock.advance(60)
    jun.get("/me")
    admin = lab.visitor("admin")
    people = {one["username"]: one for one in admin.get("/people").json["items"]}
    assert list(people) == ["admin", "demo", "jun", "mara"]
    assert people["jun"] == {
        "username": "jun",
        "name": "Jun Okafor",
        "groups": ["xfm"],
        "roles": ["user"],
        "disabled": False,
        "quota": {"sessions": 3, "gpus": 1},
        "quota_from": "group xfm",
        "usage": {"sessions": 1, "gpus": 0},
        "sign_ins": 1,
        "last_seen": "2027-01-15T08:01:00.000Z",
    }
    assert (people["mara"]["sign_ins"], people["mara"]["last_seen"]) == (0, None)


def test_people_are_found_and_paged(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    assert [one["username"] for one in admin.get("/people?q=OKA").json["items"]] == ["jun"]
    assert [one["username"] for one in admin.get("/people?q=dem").json["items"]] == ["demo"]
    assert admin.get("/people?q=nobody").json["items"] == []
    first = admin.get("/people?limit=3").json
    assert [one["username"] for one in admin.get(f"/people?cursor={first['next_cursor']}").json["items"]] == ["mara"]


def test_a_quota_of_her_own_and_back(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    reply = admin.patch("/people/demo", {"quota": {"sessions": 9, "gpus": None}})
    assert (reply.json["quota"], reply.json["quota_from"]) == ({"sessions": 9, "gpus": None}, "person")
    assert admin.get("/scheduler/policy").json["quotas"]["people"] == {"demo": {"sessions": 9, "gpus": None}}
    reply = admin.patch("/people/demo", {"quota": None})
    assert (reply.json["quota"], reply.json["quota_from"]) == ({"sessions": 6, "gpus": 2}, "default")
    admin.patch("/people/demo", {"quota": None})
    entries = [(one.what, one.target) for one in lab.memory.audit.entries]
    assert entries == [("person.quota", "demo")] * 2
    assert lab.memory.audit.entries[0].facts["quotas.people.demo.sessions"] == "none -> 9"


def test_sign_ins_end_and_sessions_go_on(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    assert lab.visitor("admin").delete("/people/demo/sessions").status == 204
    reply = demo.get("/me")
    assert (reply.status, reply.json["reason"]) == (401, "ended")
    assert [revocation.reason for revocation in lab.memory.revocations.made] == ["Signed out by Ada Admin."]
    assert [found.id for found in lab.store.instances.active()] == [one]
    entry = lab.memory.audit.entries[-1]
    assert (entry.what, entry.target, entry.facts) == ("person.sign-out", "demo", {"sign_ins": "1"})


def test_nobody_by_that_name(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    assert admin.patch("/people/none", {"quota": None}).slug == "unknown-person"
    assert admin.delete("/people/none/sessions").slug == "unknown-person"


def test_scientists_see_and_change_nobody(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    assert demo.get("/people").status == 403
    assert demo.patch("/people/demo", {"quota": {"sessions": 99, "gpus": 99}}).status == 403
    assert demo.delete("/people/jun/sessions").status == 403
    tries = [(one.who, one.what, one.target, one.outcome) for one in lab.memory.audit.entries]
    assert tries == [
        ("demo", "person.quota", "demo", "not-allowed"),
        ("demo", "person.sign-out", "jun", "not-allowed"),
    ]


@pytest.mark.parametrize("quota", [{"sessions": -1, "gpus": 0}, {"sessions": 1.5, "gpus": 0}, {"sessions": 1}, 5])
def test_what_no_quota_can_be(lab: ApiLab, quota: object) -> None:
    assert lab.visitor("admin").patch("/people/demo", {"quota": quota}).slug == "invalid-input"
