"""Admins switch environments off and on and say who may start them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from asci_api.domain.environment import Environment
from asci_shared.redis_contract import Ring
from tests.support.api_lab import ApiLab, Visitor
from tests.support.people import DESKTOP

XFM = replace(DESKTOP, name="xfm", title="XFM", allow=("xfm",), problems=("asci/xfm:1: mounts data",))


def startable(visitor: Visitor, name: str = "desktop") -> tuple[bool, str | None]:
    entry = visitor.get(f"/environments/{name}").json
    return entry["startable"], entry["reason"]


def test_admins_see_who_may_and_what_is_wrong(lab: ApiLab) -> None:
    lab.offer(DESKTOP, XFM)
    first, second = lab.visitor("admin").get("/environments?scope=all").json["items"]
    assert (first["name"], first["enabled"], first["allow"]) == ("desktop", True, {"groups": [], "people": []})
    assert (first["nodes_with_image"], first["revision"], first["problems"]) == (1, 0, [])
    assert (second["allow"], second["nodes_with_image"]) == ({"groups": ["xfm"], "people": []}, 0)
    assert second["problems"] == ["asci/xfm:1: mounts data"]


def test_scientists_see_none_of_that(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    assert "allow" not in demo.get("/environments").json["items"][0]
    assert demo.get("/environments?scope=all").status == 403
    assert demo.patch("/environments/desktop", {"enabled": False}).status == 403
    (attempt,) = lab.memory.audit.entries
    assert (attempt.what, attempt.target, attempt.outcome) == ("environment.disable", "desktop", "not-allowed")


def test_switched_off_and_on(lab: ApiLab) -> None:
    admin, demo = lab.visitor("admin"), lab.visitor("demo")
    reply = admin.patch("/environments/desktop", {"enabled": False})
    assert (reply.status, reply.json["enabled"], reply.json["revision"]) == (200, False, 1)
    assert startable(demo) == (False, "Not offered at the moment.")
    assert demo.post("/instances", {"environment": "desktop"}).slug == "not-allowed"
    assert lab.memory.rings.rung[-1] == Ring("catalogue")
    assert admin.patch("/environments/desktop", {"enabled": True}).json["revision"] == 2
    assert startable(demo) == (True, None)
    admin.patch("/environments/desktop", {"enabled": True})
    assert [one.what for one in lab.memory.audit.entries if one.who == "admin"] == [
        "environment.disable",
        "environment.enable",
    ]


def test_who_may_is_overridden_and_given_back(lab: ApiLab) -> None:
    lab.offer(DESKTOP, XFM)
    admin, demo, jun = lab.visitor("admin"), lab.visitor("demo"), lab.visitor("jun")
    assert startable(demo, "xfm") == (False, "For members of xfm.")
    admin.patch("/environments/xfm", {"allow": {"groups": ["imbl"], "people": ["demo"]}})
    assert startable(demo, "xfm") == (True, None)
    assert startable(jun, "xfm") == (False, "For members of imbl.")
    admin.patch("/environments/xfm", {"allow": {"people": ["demo"]}})
    assert startable(jun, "xfm") == (False, "For chosen people.")
    admin.patch("/environments/xfm", {"allow": {}})
    assert startable(jun, "xfm") == startable(demo, "xfm") == (True, None)
    reply = admin.patch("/environments/xfm", {"allow": None})
    assert reply.json["allow"] == {"groups": ["xfm"], "people": []}
    assert startable(demo, "xfm") == (False, "For members of xfm.")
    assert [one.facts for one in lab.memory.audit.entries] == [
        {"groups": "imbl", "people": "demo"},
        {"groups": "none", "people": "demo"},
        {"allow": "everybody"},
        {"allow": "as image and overlay say"},
    ]


def test_both_at_once_leave_the_other_alone(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    admin.patch("/environments/desktop", {"allow": {"groups": ["xfm"]}})
    reply = admin.patch("/environments/desktop", {"enabled": False}).json
    assert (reply["enabled"], reply["allow"]["groups"]) == (False, ["xfm"])


def test_what_the_operator_took_off_is_not_brought_back(lab: ApiLab) -> None:
    lab.offer(replace(DESKTOP, enabled=False))
    admin = lab.visitor("admin")
    assert admin.patch("/environments/desktop", {"enabled": True}).slug == "disabled-by-operator"
    assert startable(admin) == (False, "Not offered at the moment.")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"enabled": "maybe"}, "enabled"),
        ({"allow": {"groups": ["a,b"]}}, "allow.groups.0"),
        ({"allow": {"people": ["Nobody!"]}}, "allow.people.0"),
        ({"allow": {"users": []}}, "allow.users"),
        ({"title": "x"}, "title"),
    ],
)
def test_what_cannot_be_decided_is_named(lab: ApiLab, change: dict[str, Any], field: str) -> None:
    reply = lab.visitor("admin").patch("/environments/desktop", change)
    assert (reply.status, list(reply.json["fields"])) == (422, [field])


def test_an_unknown_one(lab: ApiLab) -> None:
    assert lab.visitor("admin").patch("/environments/none", {"enabled": False}).slug == "unknown-environment"


def test_the_pages_of_admins_are_paged_too(lab: ApiLab) -> None:
    many: list[Environment] = [replace(DESKTOP, name=f"e{number}", title=f"E{number}") for number in range(5)]
    lab.offer(*many)
    first = lab.visitor("admin").get("/environments?scope=all&limit=3").json
    rest = lab.visitor("admin").get(f"/environments?scope=all&limit=3&cursor={first['next_cursor']}").json
    assert [one["name"] for one in (*first["items"], *rest["items"])] == ["e0", "e1", "e2", "e3", "e4"]
