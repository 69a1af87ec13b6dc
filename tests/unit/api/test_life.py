"""Stopping, dismissing, renaming, keeping longer, reading the log, finding."""

from __future__ import annotations

import pytest

from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import State
from asci_api.work.moments import moment
from asci_shared.close_codes import CloseCode
from asci_shared.redis_contract import RevocationKind
from tests.support.api_lab import ApiLab

DAY = 86400.0


def test_a_stop_closes_what_is_open_and_is_asked_for_once(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    lab.runs(one)
    assert demo.delete(f"/instances/{one}").status == 202
    assert lab.visitor("admin").delete(f"/instances/{one}").json["end_reason"] == "Stopped by Demo Scientist."
    (revocation,) = lab.memory.revocations.made
    assert (revocation.kind, revocation.code, revocation.instance) == (RevocationKind.INSTANCE, CloseCode.ENDED, one)
    assert [entry.what for entry in lab.memory.audit.entries].count("instance.stop") == 1


def test_a_stop_by_an_admin_says_so_to_the_owner(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    lab.visitor("admin").delete(f"/instances/{one}")
    assert demo.get(f"/instances/{one}").json["end_reason"] == "Stopped by Ada Admin."


def test_an_ended_one_leaves_the_owners_list_alone(lab: ApiLab) -> None:
    demo, admin = lab.visitor("demo"), lab.visitor("admin")
    one = demo.start()
    lab.ends(one)
    assert admin.delete(f"/instances/{one}").status == 403
    assert [it["id"] for it in demo.get("/instances").json["items"]] == [one]
    assert demo.delete(f"/instances/{one}").status == 204
    assert demo.get("/instances").json["items"] == []
    assert demo.get(f"/instances/{one}").status == 200


def test_rename(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    reply = demo.patch(f"/instances/{one}", {"title": " Night shift "})
    assert (reply.status, reply.json["title"], reply.json["revision"]) == (200, "Night shift", 2)
    assert lab.memory.audit.entries[-1].what == "instance.rename"


def test_keep_it_longer_up_to_the_policy(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    wanted = moment(lab.clock() + 20 * DAY)
    assert demo.patch(f"/instances/{one}", {"expires_at": wanted}).json["expires_at"] == wanted
    too_far = demo.patch(f"/instances/{one}", {"expires_at": moment(lab.clock() + 29 * DAY)})
    assert (too_far.status, too_far.json["fields"]) == (422, {"expires_at": ["At most 28 days from now."]})
    assert too_far.json["latest"] == "2027-02-12T08:00:00Z"  # whole seconds, never past the limit
    past = demo.patch(f"/instances/{one}", {"expires_at": moment(lab.clock())})
    assert (past.status, list(past.json["fields"])) == (422, ["expires_at"])


@pytest.mark.parametrize("text", ["tomorrow", "2027-01-01T00:00:00", 5, None, "9999-99-99T00:00:00Z"])
def test_an_end_that_is_no_time(lab: ApiLab, text: object) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    reply = demo.patch(f"/instances/{one}", {"expires_at": text})
    assert (reply.status, list(reply.json["fields"])) == (422, ["expires_at"])


def test_what_ended_is_not_changed(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    demo.delete(f"/instances/{one}")
    assert demo.patch(f"/instances/{one}", {"title": "x"}).slug == "ended"
    lab.ends(one)
    reply = demo.patch(f"/instances/{one}", {"title": "x"})
    assert (reply.status, reply.slug) == (409, "ended")


def test_the_log_of_an_ended_one_is_in_its_record(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    assert demo.get(f"/instances/{one}/logs").json == {"lines": [], "from": "record"}
    lab.ends(one, log=("first", "last"))
    assert demo.get(f"/instances/{one}/logs").json == {"lines": ["first", "last"], "from": "record"}


def test_the_log_of_a_living_one_is_asked_of_its_engine(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    lab.runs(one)
    assert demo.get(f"/instances/{one}/logs").json["from"] == "container"
    lab.engine.away = True
    assert demo.get(f"/instances/{one}/logs").json == {"lines": [], "from": "record"}


def test_lists_are_mine_and_shared_with_me(lab: ApiLab) -> None:
    demo, jun = lab.visitor("demo"), lab.visitor("jun")
    mine, hers = demo.start(), jun.start()
    jun.put(f"/instances/{hers}/shares/demo", {"mode": "view"})
    assert {it["id"] for it in demo.get("/instances").json["items"]} == {mine, hers}
    assert [it["id"] for it in jun.get("/instances").json["items"]] == [hers]
    lab.ends(hers)
    assert [it["id"] for it in demo.get("/instances").json["items"]] == [mine]
    assert demo.get(f"/instances/{hers}").json["state"] == "stopped"


def test_admins_find_by_state_owner_node_and_text(lab: ApiLab) -> None:
    demo, jun, admin = lab.visitor("demo"), lab.visitor("jun"), lab.visitor("admin")
    one = demo.start(title="Tomography, 24117")
    two = jun.start()
    three = jun.start()
    lab.runs(two)
    demo.delete(f"/instances/{one}")

    def found(query: str) -> set[str]:
        return {it["id"] for it in admin.get(f"/instances?scope=all&{query}").json["items"]}

    assert found("") == {one, two, three}
    assert found("state=running") == {two}
    assert found("state=stopping,queued") == {one, three}
    assert found("owner=jun") == {two, three}
    assert found("node=local") == {two}
    assert found("q=TOMO") == {one}
    assert found("q=okafor") == {two, three}
    assert found("owner=jun&state=queued") == {three}
    assert admin.get("/instances").json["items"] == []


def test_places_in_line_count_everybodys(lab: ApiLab) -> None:
    demo, jun = lab.visitor("demo"), lab.visitor("jun")
    first = demo.start()
    lab.memory.clock.advance(1)
    second = jun.start()
    assert jun.get(f"/instances/{second}").json["queue"]["place"] == 2
    demo.delete(f"/instances/{first}")
    assert jun.get(f"/instances/{second}").json["queue"]["place"] == 1


def test_pages_hold_everything_once(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    made = set()
    for _ in range(5):
        made.add(demo.start())
        lab.memory.clock.advance(1)
    seen: list[str] = []
    cursor = ""
    while True:
        reply = demo.get(f"/instances?limit=2&cursor={cursor}")
        seen += [it["id"] for it in reply.json["items"]]
        assert len(reply.json["items"]) <= 2
        if reply.json["next_cursor"] is None:
            break
        cursor = reply.json["next_cursor"]
        demo.delete(f"/instances/{seen[-1]}")
    assert len(seen) == 5
    assert set(seen) == made


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "W10", "WyJhIiwxXQ", "WyJhIiwiYiJd", "e30", "W1tdXQ", "\u00fc"])
def test_a_cursor_of_ones_own_making(lab: ApiLab, cursor: str) -> None:
    demo = lab.visitor("demo")
    demo.start()
    reply = demo.get("/instances", query_string={"cursor": cursor})
    assert (reply.status, list(reply.json["fields"])) == (422, ["cursor"])


def test_an_instance_that_went_away_meanwhile(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    lab.ends(one, State.FAILED)
    lab.store.instances.forget(InstanceId(one))
    assert demo.get(f"/instances/{one}").status == 404
