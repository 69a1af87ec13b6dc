"""Why it is where it is, why it was stopped, that its node is emptied."""

from __future__ import annotations

from dataclasses import replace

from asci_api.domain.decision import Decision, NodeVerdict
from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import DrainNotice
from tests.support.api_lab import ApiLab

DECISION = Decision(
    1_800_000_000.0,
    NodeName("local"),
    71.256,
    3,
    (
        NodeVerdict(NodeName("local"), True, (), 71.256),
        NodeVerdict(NodeName("gpu-1"), False, ("is reserved (online=xfm)",), None),
    ),
)
TOLD = {
    "at": "2027-01-15T08:00:00.000Z",
    "node": "local",
    "score": 71.26,
    "policy_revision": 3,
    "nodes": [
        {"name": "local", "fits": True, "reasons": [], "score": 71.26},
        {"name": "gpu-1", "fits": False, "reasons": ["is reserved (online=xfm)"], "score": None},
    ],
}


def decided(lab: ApiLab) -> str:
    one = lab.visitor("demo").start()
    lab.runs(one)
    lab.store.instances.change(InstanceId(one), lambda now: replace(now, decision=DECISION))
    return one


def test_owner_and_admins_read_the_decision(lab: ApiLab) -> None:
    one = decided(lab)
    assert lab.visitor("demo").get(f"/instances/{one}").json["decision"] == TOLD
    assert lab.visitor("admin").get(f"/instances/{one}").json["decision"] == TOLD
    assert lab.visitor("admin").get(f"/instances/{one}/decision").json == TOLD


def test_guests_and_lists_do_not(lab: ApiLab) -> None:
    one = decided(lab)
    lab.visitor("demo").put(f"/instances/{one}/shares/jun", {"mode": "view"})
    assert lab.visitor("jun").get(f"/instances/{one}").json["decision"] is None
    assert lab.visitor("demo").get("/instances").json["items"][0]["decision"] is None
    assert lab.visitor("demo").get(f"/instances/{one}/decision").status == 403


def test_nothing_was_decided_yet(lab: ApiLab) -> None:
    one = lab.visitor("demo").start()
    assert lab.visitor("demo").get(f"/instances/{one}").json["decision"] is None
    assert lab.visitor("admin").get(f"/instances/{one}/decision").slug == "no-decision"
    assert lab.visitor("admin").get("/instances/abcdefghij/decision").slug == "not-found"


def test_the_owner_reads_why_an_admin_stopped_it(lab: ApiLab) -> None:
    one = decided(lab)
    reply = lab.visitor("admin").delete(f"/instances/{one}", json={"reason": " It mines coins. "})
    assert reply.status == 202
    told = lab.visitor("demo").get(f"/instances/{one}").json
    assert (told["state"], told["end_reason"]) == ("stopping", "Stopped by Ada Admin: It mines coins.")
    assert lab.memory.revocations.made[-1].reason == "Stopped by Ada Admin: It mines coins."
    assert lab.memory.audit.entries[-1].facts == {"owner": "demo", "reason": "It mines coins."}


def test_a_reason_may_be_left_out_but_is_one_line(lab: ApiLab) -> None:
    one = decided(lab)
    admin = lab.visitor("admin")
    assert admin.delete(f"/instances/{one}", json={"reason": "a\nb"}).json["fields"] == {
        "reason": ["Write one line of text."]
    }
    assert admin.delete(f"/instances/{one}", json={"why": "x"}).slug == "invalid-input"
    assert admin.delete(f"/instances/{one}", data="reason=x").slug == "wrong-media-type"
    assert admin.delete(f"/instances/{one}").status == 202
    assert lab.visitor("demo").get(f"/instances/{one}").json["end_reason"] == "Stopped by Ada Admin."


def test_people_read_that_their_node_is_emptied(lab: ApiLab) -> None:
    one = decided(lab)
    notice = DrainNotice(NodeName("local"), "New discs.", lab.clock() + 60)
    lab.store.instances.change(InstanceId(one), lambda now: replace(now, drain=notice))
    told = lab.visitor("demo").get(f"/instances/{one}").json
    assert told["drain"] == {"node": "local", "reason": "New discs.", "deadline": "2027-01-15T08:01:00.000Z"}
    assert told["expires_at"] == "2027-01-15T08:01:00.000Z"
    lab.ends(one)
    assert lab.visitor("demo").get(f"/instances/{one}").json["drain"] is None
