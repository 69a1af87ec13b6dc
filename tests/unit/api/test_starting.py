"""Start: what is recorded, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asci_api.domain.environment import GpuNeed, GpuShare, Needs
from asci_api.domain.identity import InstanceId, Quota
from asci_api.domain.instance import Instance
from asci_api.domain.policy import Policy
from asci_api.domain.ports import Instances
from tests.support.api_lab import ApiLab
from tests.support.people import DESKTOP

DAY = 86400.0


def test_what_is_recorded(lab: ApiLab) -> None:
    jun = lab.visitor("jun")
    one = jun.start(title="  Tomography, 24117 ", geometry="1920x1080")
    record = lab.store.instances.get(InstanceId(one))
    assert record is not None
    assert (record.owner, record.uid, record.gid, record.groups) == ("jun", 20003, 20003, (("xfm", 30001),))
    assert (record.title, record.geometry, record.image_id) == ("Tomography, 24117", "1920x1080", DESKTOP.image_id)
    assert record.expires_at == record.created_at + 7 * DAY
    entry = lab.memory.audit.entries[-1]
    assert (entry.who, entry.what, entry.target, entry.outcome) == ("jun", "instance.start", one, "ok")


def test_the_environments_title_where_none_is_given(lab: ApiLab) -> None:
    reply = lab.visitor("demo").post("/instances", {"environment": "desktop"})
    assert (reply.json["title"], reply.json["geometry"]) == ("Linux desktop", "1280x800")


def test_life_is_no_longer_than_the_policy_allows(lab: ApiLab) -> None:
    lab.offer(replace(DESKTOP, lifetime=90 * DAY))
    record = lab.store.instances.get(InstanceId(lab.visitor("demo").start()))
    assert record is not None
    assert record.expires_at == record.created_at + 28 * DAY


def test_an_unknown_environment(lab: ApiLab) -> None:
    reply = lab.visitor("demo").post("/instances", {"environment": "matlab"})
    assert (reply.status, reply.slug) == (404, "unknown-environment")
    assert lab.memory.audit.entries == []


def test_equal_refusals_are_one_line_of_the_audit_a_minute(lab: ApiLab) -> None:
    lab.offer(replace(DESKTOP, enabled=False))
    demo = lab.visitor("demo")
    for _ in range(5):
        assert demo.post("/instances", {"environment": "desktop"}).status == 403
    assert [(one.who, one.target, one.outcome) for one in lab.memory.audit.entries] == [
        ("demo", "desktop", "not-allowed")
    ]
    lab.visitor("jun").post("/instances", {"environment": "desktop"})
    lab.memory.clock.advance(60)
    demo.post("/instances", {"environment": "desktop"})
    assert [one.who for one in lab.memory.audit.entries] == ["demo", "jun", "demo"]


def test_before_the_first_look_nothing_is_unknown(lab: ApiLab) -> None:
    lab.memory.state.table("cluster").clear()
    reply = lab.visitor("demo").post("/instances", {"environment": "desktop"})
    assert (reply.status, reply.slug, reply.headers["Retry-After"]) == (503, "no-catalogue", "2")
    assert lab.visitor("demo").get("/environments").json["items"] == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"allow": ("xfm",)}, "For members of xfm."),
        ({"allow": ("xfm", "imbl", "mx")}, "For members of xfm, imbl or mx."),
        ({"enabled": False}, "Not offered at the moment."),
    ],
)
def test_who_may_not_start_it(lab: ApiLab, change: dict[str, object], reason: str) -> None:
    lab.offer(replace(DESKTOP, **change))  # type: ignore[arg-type]
    demo = lab.visitor("demo")
    (offer,) = demo.get("/environments").json["items"]
    assert (offer["startable"], offer["reason"]) == (False, reason)
    refused = demo.post("/instances", {"environment": "desktop"})
    assert (refused.status, refused.slug, refused.json["detail"]) == (403, "not-allowed", reason)


def test_members_may(lab: ApiLab) -> None:
    lab.offer(replace(DESKTOP, allow=("xfm",)))
    assert lab.visitor("jun").start()


def test_what_no_node_can_run_is_refused_with_the_reasons(lab: ApiLab) -> None:
    lab.offer(replace(DESKTOP, needs=Needs(cpus=2.0, memory=512 * 1024**3)))
    refused = lab.visitor("demo").post("/instances", {"environment": "desktop"})
    assert (refused.status, refused.slug) == (422, "never-fits")
    assert refused.json["reasons"][0].startswith("local: ")


def test_never_is_not_said_on_the_word_of_a_missing_snapshot(lab: ApiLab) -> None:
    lab.offer(replace(DESKTOP, needs=Needs(cpus=2.0, memory=512 * 1024**3)))
    lab.memory.clock.advance(60)
    assert lab.visitor("demo").start()


def test_the_quota_of_sessions(lab: ApiLab) -> None:
    lab.memory.policies.change(lambda _: Policy(quota=Quota(sessions=2, gpus=0)))
    demo = lab.visitor("demo")
    first = demo.start()
    demo.start()
    refused = demo.post("/instances", {"environment": "desktop"})
    assert (refused.status, refused.slug) == (409, "quota-reached")
    assert refused.json["detail"] == "You have 2 of 2 sessions."
    assert demo.get("/me").json["usage"]["sessions"] == 2
    lab.visitor("jun").start()
    lab.ends(first)
    assert demo.start()


def test_a_start_beside_another_is_taken_back_beyond_the_quota(lab: ApiLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.memory.policies.change(lambda _: Policy(quota=Quota(sessions=1, gpus=0)))
    demo = lab.visitor("demo")
    add = type(lab.store.instances).add

    def beside(stores: Instances, record: Instance) -> Instance:
        earlier = replace(record, id=InstanceId("aaaaaaaaaa"), created_at=record.created_at - 0.001)
        add(stores, earlier)
        return add(stores, record)

    monkeypatch.setattr(type(lab.store.instances), "add", beside)
    refused = demo.post("/instances", {"environment": "desktop"}, headers={"Idempotency-Key": "click-1"})
    assert (refused.status, refused.slug) == (409, "quota-reached")
    assert [one["id"] for one in demo.get("/instances").json["items"]] == ["aaaaaaaaaa"]
    (withdrawn,) = [one for one in lab.store.instances.all() if one.stop]
    assert (withdrawn.dismissed, withdrawn.stop and withdrawn.stop.by) == (True, "asci")


def test_the_quota_of_gpus(lab: ApiLab) -> None:
    needs = Needs(cpus=1.0, memory=1024**3, gpu=GpuNeed(GpuShare.EXCLUSIVE, 2))
    lab.offer(DESKTOP, replace(DESKTOP, name="gpu-desktop", title="GPU", needs=needs))
    lab.memory.clock.advance(60)
    demo = lab.visitor("demo")
    demo.start(environment="gpu-desktop")
    assert demo.get("/me").json["usage"] == {"sessions": 1, "gpus": 2}
    refused = demo.post("/instances", {"environment": "gpu-desktop"})
    assert (refused.status, refused.slug) == (409, "quota-reached")
    assert demo.start()


def test_the_same_key_starts_once(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    key = {"Idempotency-Key": "click-1"}
    first = demo.post("/instances", {"environment": "desktop"}, headers=key)
    again = demo.post("/instances", {"environment": "desktop"}, headers=key)
    assert (first.status, again.status, again.json["id"]) == (202, 202, first.json["id"])
    other = demo.post("/instances", {"environment": "desktop", "title": "Another"}, headers=key)
    assert (other.status, other.slug) == (422, "idempotency-mismatch")
    hers = lab.visitor("jun").post("/instances", {"environment": "desktop"}, headers=key)
    assert hers.json["id"] != first.json["id"]


def test_a_key_also_answers_when_the_quota_is_full(lab: ApiLab) -> None:
    lab.memory.policies.change(lambda _: Policy(quota=Quota(sessions=1, gpus=0)))
    demo = lab.visitor("demo")
    key = {"Idempotency-Key": "click-1"}
    first = demo.post("/instances", {"environment": "desktop"}, headers=key)
    assert demo.post("/instances", {"environment": "desktop"}, headers=key).json["id"] == first.json["id"]


def test_a_refused_start_does_not_use_up_its_key(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    key = {"Idempotency-Key": "click-1"}
    assert demo.post("/instances", {"environment": "matlab"}, headers=key).status == 404
    assert demo.post("/instances", {"environment": "desktop"}, headers=key).status == 202


def test_a_claim_whose_start_was_cut_short_is_taken_up(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    key = {"Idempotency-Key": "click-1"}
    first = demo.post("/instances", {"environment": "desktop"}, headers=key)
    lab.ends(first.json["id"])
    lab.store.instances.forget(InstanceId(first.json["id"]))
    assert demo.post("/instances", {"environment": "desktop"}, headers=key).json["id"] == first.json["id"]


@pytest.mark.parametrize("key", ["x" * 129, "k\u00e9y"])
def test_a_key_must_be_plain(lab: ApiLab, key: str) -> None:
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    reply = lab.visitor("demo").post("/instances", {"environment": "desktop"}, headers=headers)
    assert (reply.status, reply.slug) == (422, "invalid-input")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({}, "environment"),
        ({"environment": 5}, "environment"),
        ({"environment": "../etc"}, "environment"),
        ({"environment": "desktop\n"}, "environment"),
        ({"environment": "desktop", "geometry": "1280"}, "geometry"),
        ({"environment": "desktop", "geometry": "99x99"}, "geometry"),
        ({"environment": "desktop", "geometry": "9999x9999"}, "geometry"),
        ({"environment": "desktop", "title": ""}, "title"),
        ({"environment": "desktop", "title": "   "}, "title"),
        ({"environment": "desktop", "title": "two\nlines"}, "title"),
        ({"environment": "desktop", "title": "x" * 81}, "title"),
        ({"environment": "desktop", "image": "evil"}, "image"),
    ],
)
def test_input_that_cannot_be_used(lab: ApiLab, wish: dict[str, object], field: str) -> None:
    reply = lab.visitor("demo").post("/instances", wish)
    assert (reply.status, reply.slug) == (422, "invalid-input")
    assert list(reply.json["fields"]) == [field]
    assert lab.store.instances.all() == []


def test_how_many_wait_and_how_long_it_usually_takes(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    demo.start()
    lab.store.cluster.record_start("desktop", 2.04)
    offer = demo.get("/environments/desktop").json
    assert (offer["waiting"], offer["usual_seconds"]) == (1, 2.0)
    missing = demo.get("/environments/matlab")
    assert (missing.status, missing.slug) == (404, "unknown-environment")
