"""Shares: give, lower, raise, take away; connections; putting out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asci_api.domain.environment import Kind
from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import Generations
from asci_shared.close_codes import CloseCode
from asci_shared.passwords import one_time_password
from asci_shared.redis_contract import RevocationKind, Ticket
from tests.support.api_lab import ApiLab
from tests.support.people import DESKTOP


def running(lab: ApiLab, owner: str = "demo") -> str:
    one = lab.visitor(owner).start()
    lab.runs(one)
    return one


def generations(lab: ApiLab, one: str) -> tuple[int, int]:
    record = lab.store.instances.get(InstanceId(one))
    assert record is not None
    return record.generations.control, record.generations.view


def test_give_lower_raise_take(lab: ApiLab) -> None:
    one, demo = running(lab), lab.visitor("demo")
    given = demo.put(f"/instances/{one}/shares/jun", {"mode": "control"})
    assert given.json == {"username": "jun", "name": "Jun Okafor", "mode": "control", "last_seen": None}
    assert (generations(lab, one), lab.memory.revocations.made) == ((1, 1), [])

    lab.memory.wakes.heard.clear()
    assert demo.put(f"/instances/{one}/shares/jun", {"mode": "view"}).json["mode"] == "view"
    lowered = lab.memory.revocations.made[-1]
    assert generations(lab, one) == (2, 1)
    assert (lowered.kind, lowered.code) == (RevocationKind.SHARE, CloseCode.REVOKED)
    assert (lowered.instance, lowered.username, lowered.modes) == (one, "jun", ("control",))
    assert f"secret:{one}" in lab.memory.wakes.heard

    demo.put(f"/instances/{one}/shares/jun", {"mode": "control"})
    assert (generations(lab, one), len(lab.memory.revocations.made)) == ((2, 1), 1)

    assert demo.delete(f"/instances/{one}/shares/jun").status == 204
    taken = lab.memory.revocations.made[-1]
    assert generations(lab, one) == (3, 2)
    assert (taken.kind, taken.code, taken.modes) == (RevocationKind.SHARE, CloseCode.REVOKED, ("control", "view"))
    assert demo.delete(f"/instances/{one}/shares/jun").slug == "not-shared"
    deeds = [(entry.what, entry.facts.get("mode")) for entry in lab.memory.audit.entries if "share" in entry.what]
    assert deeds == [("share.give", "control"), ("share.give", "view"), ("share.give", "control"), ("share.take", None)]


def test_giving_the_same_again_changes_nothing(lab: ApiLab) -> None:
    one, demo = running(lab), lab.visitor("demo")
    demo.put(f"/instances/{one}/shares/jun", {"mode": "control"})
    before = demo.get(f"/instances/{one}").json["revision"]
    assert demo.put(f"/instances/{one}/shares/jun", {"mode": "control"}).status == 200
    assert demo.get(f"/instances/{one}").json["revision"] == before
    assert lab.memory.revocations.made == []


@pytest.mark.parametrize(
    ("username", "status", "slug"),
    [("nobody", 404, "unknown-person"), ("demo", 422, "own-session"), ("gone", 404, "unknown-person")],
)
def test_with_whom_not(lab: ApiLab, username: str, status: int, slug: str) -> None:
    with lab.accounts.edit() as everybody:
        everybody["gone"] = replace(everybody["jun"], disabled=True)
    one = running(lab)
    reply = lab.visitor("demo").put(f"/instances/{one}/shares/{username}", {"mode": "view"})
    assert (reply.status, reply.slug) == (status, slug)


def test_a_web_application_cannot_be_watched_only(lab: ApiLab) -> None:
    lab.offer(replace(DESKTOP, name="lab", kind=Kind.WEB, port=8888))
    demo = lab.visitor("demo")
    one = demo.start(environment="lab")
    refused = demo.put(f"/instances/{one}/shares/jun", {"mode": "view"})
    assert (refused.status, refused.slug) == (422, "view-not-possible")
    assert demo.put(f"/instances/{one}/shares/jun", {"mode": "control"}).status == 200


def test_a_web_application_is_opened_on_its_own_origin(lab: ApiLab) -> None:
    lab.offer(replace(DESKTOP, name="lab", kind=Kind.WEB, port=8888))
    demo = lab.visitor("demo")
    one = demo.start(environment="lab")
    lab.runs(one)
    opened = demo.post(f"/instances/{one}/connections", {"mode": "control"})
    assert (opened.status, opened.json["url"]) == (201, f"http://{one}.localhost:8080/.asci/enter")
    assert opened.json["password"] == one_time_password(b"k" * 32, opened.json["id"])
    assert opened.headers["Cache-Control"] == "no-store"
    ticket = lab.memory.tickets.take(opened.json["id"])
    assert ticket is not None
    assert (ticket.kind, ticket.mode, ticket.generation) == ("web", "control", 1)
    refused = demo.post(f"/instances/{one}/connections", {"mode": "view"})
    assert (refused.status, refused.slug) == (422, "view-not-possible")


def test_a_revocation_tells_the_secret_that_counts_from_now_on(lab: ApiLab) -> None:
    lab.offer(replace(DESKTOP, name="lab", kind=Kind.WEB, port=8888))
    demo = lab.visitor("demo")
    one = demo.start(environment="lab")
    demo.put(f"/instances/{one}/shares/jun", {"mode": "control"})
    assert demo.delete(f"/instances/{one}/shares/jun").status == 204
    (revocation,) = lab.memory.revocations.made
    stored = lab.store.instances.get(InstanceId(one))
    assert stored is not None
    assert revocation.generation == stored.generations.control == 2
    assert revocation.reason == "Your access to this application was ended."


def test_an_ended_one_is_not_shared(lab: ApiLab) -> None:
    one, demo = running(lab), lab.visitor("demo")
    lab.ends(one)
    reply = demo.put(f"/instances/{one}/shares/jun", {"mode": "view"})
    assert (reply.status, reply.slug) == (409, "ended")


def test_a_guest_connects_in_her_mode_with_the_generation_of_it(lab: ApiLab) -> None:
    one, demo = running(lab), lab.visitor("demo")
    lab.store.instances.change(InstanceId(one), lambda now: replace(now, generations=Generations(control=4, view=7)))
    demo.put(f"/instances/{one}/shares/jun", {"mode": "view"})
    opened = lab.visitor("jun").post(f"/instances/{one}/connections", {"mode": "view"})
    ticket = lab.memory.tickets.take(opened.json["id"])
    assert ticket is not None
    assert (ticket.mode, ticket.generation, ticket.owner, ticket.name) == ("view", 7, "demo", "Jun Okafor")
    assert demo.get(f"/instances/{one}").json["shares"][0]["last_seen"] is not None


def test_a_right_taken_while_the_ticket_is_made_makes_no_ticket(lab: ApiLab, monkeypatch: pytest.MonkeyPatch) -> None:
    one, demo = running(lab), lab.visitor("demo")
    demo.put(f"/instances/{one}/shares/jun", {"mode": "view"})
    issue = lab.memory.tickets.issue

    def late(ticket: Ticket, revision: int | None = None) -> Ticket:
        if ticket.username == "jun":
            demo.delete(f"/instances/{one}/shares/jun")
        return issue(ticket, revision)

    monkeypatch.setattr(type(lab.memory.tickets), "issue", lambda _self, ticket, revision=None: late(ticket, revision))
    assert lab.visitor("jun").post(f"/instances/{one}/connections", {"mode": "view"}).status == 404
    assert lab.memory.tickets.issued == []


def test_only_what_runs_is_opened(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    waiting = demo.post(f"/instances/{one}/connections", {"mode": "control"})
    assert (waiting.status, waiting.slug, waiting.json["detail"]) == (409, "not-running", "It is queued.")
    lab.runs(one)
    demo.delete(f"/instances/{one}")
    stopping = demo.post(f"/instances/{one}/connections", {"mode": "control"})
    assert (stopping.status, stopping.json["detail"]) == (409, "It is stopping.")


def test_kinds_without_a_screen(lab: ApiLab) -> None:
    lab.offer(replace(DESKTOP, name="fits", kind=Kind.SERVICE))
    demo = lab.visitor("demo")
    one = demo.start(environment="fits")
    lab.runs(one)
    reply = demo.post(f"/instances/{one}/connections", {"mode": "control"})
    assert (reply.status, reply.slug) == (422, "no-screen")


@pytest.mark.parametrize("mode", ["", "root", None, 5, "Control"])
def test_modes(lab: ApiLab, mode: object) -> None:
    one, demo = running(lab), lab.visitor("demo")
    assert list(demo.post(f"/instances/{one}/connections", {"mode": mode}).json["fields"]) == ["mode"]
    assert list(demo.put(f"/instances/{one}/shares/jun", {"mode": mode}).json["fields"]) == ["mode"]


def test_put_out(lab: ApiLab) -> None:
    one, demo = running(lab), lab.visitor("demo")
    lab.memory.presence.put(lab.lease(one, "jun", "of-jun", "view"))
    (shown,) = demo.get(f"/instances/{one}/connections").json["items"]
    assert (shown["id"], shown["username"]) == ("of-jun", "jun")
    assert demo.get(f"/instances/{one}").json["connections"] == [shown]
    assert demo.delete(f"/instances/{one}/connections/of-jun").status == 204
    out = lab.memory.revocations.made[-1]
    assert (out.kind, out.code, out.connection) == (RevocationKind.CONNECTION, CloseCode.PUT_OUT, "of-jun")
    assert demo.delete(f"/instances/{one}/connections/other").slug == "no-connection"


def test_people_one_may_share_with(lab: ApiLab) -> None:
    demo = lab.visitor("demo")

    def found(text: str) -> list[str]:
        return [it["username"] for it in demo.get("/users", query_string={"q": text}).json["items"]]

    assert found("OKA") == ["jun"]
    assert found("ju") == ["jun"]
    assert found("mara l") == ["mara"]
    assert found("a") == []
    assert found("de") == []
    assert found("") == []
    assert set(lab.visitor("jun").get("/users?q=ad").json["items"][0]) == {"username", "name"}


def test_taking_a_watcher_s_share_leaves_the_secret_of_control_alone(lab: ApiLab) -> None:
    one, demo = running(lab), lab.visitor("demo")
    demo.put(f"/instances/{one}/shares/jun", {"mode": "view"})
    assert demo.delete(f"/instances/{one}/shares/jun").status == 204
    assert generations(lab, one) == (1, 2)
