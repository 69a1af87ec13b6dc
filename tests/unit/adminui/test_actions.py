"""What administrators do: each button is a call of the API, each question names the thing and the people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.support.admin_double import environment
from tests.support.admin_lab import AdminLab
from tests.support.portal_lab import Answer, Reader

INLINE = {"X-Inline": "1"}


def do(browser: Reader, path: str, **fields: str) -> Answer:
    """Opens the question and answers it, as without script."""
    browser.get(path)
    return browser.post(path, **fields)


def test_cordon_and_let_work_again(lab: AdminLab) -> None:
    browser = lab.browser()
    question = browser.get("/admin/nodes/gpu-07/cordon")
    assert "Cordon gpu-07?" in question.text
    assert "10 sessions of 3 people are on it now." in question.text.replace("\u00a0", " ")
    assert do(browser, "/admin/nodes/gpu-07/cordon", reason="Disk").location == "/admin/nodes/gpu-07"
    assert "Cordoned by admin: Disk" in browser.get("/admin/nodes/gpu-07").text
    assert browser.post("/admin/nodes/gpu-07/activate").location == "/admin/nodes/gpu-07"
    assert lab.changes == [
        ("PATCH", "/nodes/gpu-07", {"state": "cordoned", "reason": "Disk"}),
        ("PATCH", "/nodes/gpu-07", {"state": "active"}),
    ]


def test_a_script_gets_a_toast_and_stays(lab: AdminLab) -> None:
    browser = lab.browser()
    browser.get("/admin/nodes/gpu-07/cordon")
    answer = browser.post("/admin/nodes/gpu-07/cordon", INLINE, reason="")
    assert answer.status == 204
    assert answer.headers["X-Toast"] == "gpu-07%20takes%20no%20new%20sessions."


@pytest.mark.parametrize(("hours", "seconds"), [("4", 4 * 3600.0), ("", None)])
def test_drain_with_and_without_a_deadline(lab: AdminLab, hours: str, seconds: float | None) -> None:
    browser = lab.browser()
    question = browser.get("/admin/nodes/gpu-07/drain").text.replace("\u00a0", " ")
    assert "Drain gpu-07, tell 3 people" in question
    assert do(browser, "/admin/nodes/gpu-07/drain", deadline=hours, reason="New disks").status == 303
    _, _, body = lab.changes[0]
    assert (body["state"], body["reason"]) == ("draining", "New disks")
    if seconds is None:
        assert body["deadline"] is None
    else:
        due = datetime.fromisoformat(body["deadline"])
        assert abs(due - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(minutes=1)


def test_labels_that_changed_go_and_removed_ones_are_null(lab: AdminLab) -> None:
    browser = lab.browser()
    assert "model=a40" in browser.get("/admin/nodes/gpu-07/labels").html
    fields = {"labels": "gpu=\nzone = b\nfast", "taints": "online=xfm", "cpus": "2", "memory": "1,5"}
    assert do(browser, "/admin/nodes/gpu-07/labels", **fields).status == 303
    assert lab.changes[0][2] == {
        "labels": {"zone": "b", "fast": "true", "model": None},
        "taints": [{"key": "online", "value": "xfm", "effect": "NoStart"}],
        "overcommit": {"cpus": 2.0, "memory": 1.5},
    }


def test_labels_that_cannot_be_read_are_told_beside_the_field(lab: AdminLab) -> None:
    browser = lab.browser()
    answer = do(browser, "/admin/nodes/gpu-07/labels", labels="=b", taints="", cpus="none", memory="1")
    assert answer.status == 422
    assert "“=b” has no name before the equals sign." in answer.text
    assert "A number above 0, such as 1 or 1.5." in answer.text
    assert ">\n=b<" in answer.html
    assert lab.changes == []


def test_a_node_in_use_is_not_removed_and_says_why(lab: AdminLab) -> None:
    browser = lab.browser()
    assert "Drain it first" in browser.get("/admin/nodes/gpu-07/remove").text
    answer = browser.post("/admin/nodes/gpu-07/remove")
    assert answer.status == 409
    assert "gpu-07 holds 11 sessions." in answer.text
    lab.double.nodes["gpu-07"]["allocated"]["instances"] = 0
    assert browser.post("/admin/nodes/gpu-07/remove").location == "/admin/nodes"
    assert "gpu-07" not in lab.double.nodes


def test_gone_names_what_it_ends(lab: AdminLab) -> None:
    browser = lab.browser()
    question = browser.get("/admin/nodes/cpu-03/gone").text.replace("\u00a0", " ")
    assert "Declare cpu-03 gone, end 1 session" in question
    assert browser.post("/admin/nodes/cpu-03/gone").status == 303
    assert lab.changes == [("PATCH", "/nodes/cpu-03", {"gone": True})]
    assert browser.post("/admin/nodes/gpu-07/gone").status == 409


def test_register_a_node(lab: AdminLab) -> None:
    browser = lab.browser()
    fields = {"name": "gpu-20", "url": "tcp://gpu-20.example.org:2376", "tls": "gpu-20", "labels": "gpu\nzone=b"}
    more = {"gpu_count": "2", "gpu_model": "NVIDIA L4", "gpu_memory": "24", "gpu_slots": "4"}
    assert do(browser, "/admin/register-node", **fields, **more).location == "/admin/nodes/gpu-20"
    assert lab.changes[0][2] == {
        "name": "gpu-20",
        "url": "tcp://gpu-20.example.org:2376",
        "tls": "gpu-20",
        "labels": {"gpu": "true", "zone": "b"},
        "gpus": [{"model": "NVIDIA L4", "memory": 24 * 1024**3, "slots": 4}] * 2,
    }


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "", "url": ""}, "A node needs a name."),
        ({"name": "Up!", "url": "tcp://x:2376"}, "Small letters, digits and hyphens."),
        ({"name": "gpu-07", "url": "tcp://x:2376"}, "There is a node gpu-07 already."),
        ({"name": "a", "url": "tcp://x:2376", "gpu_count": "many"}, "A whole number up to 64."),
    ],
)
def test_a_node_that_cannot_be_registered_says_why(lab: AdminLab, fields: dict[str, str], sentence: str) -> None:
    answer = do(lab.browser(), "/admin/register-node", **fields)
    assert answer.status == 422
    assert sentence in answer.text
    assert f'value="{fields["name"]}"' in answer.html


def test_stop_needs_a_reason_and_names_the_people(lab: AdminLab) -> None:
    browser = lab.browser()
    question = browser.get("/admin/sessions/k0000001/stop").text.replace("\u00a0", " ")
    assert "Stop it for 2 people" in question
    assert "Demo Scientist, Jun Okafor are on it now." in question
    assert browser.post("/admin/sessions/k0000001/stop", reason="  ").status == 422
    assert lab.changes == []
    assert browser.post("/admin/sessions/k0000001/stop", reason="Power cut at six").status == 303
    assert lab.changes == [("DELETE", "/instances/k0000001", {"reason": "Power cut at six"})]
    assert "Stopped by an administrator: Power cut at six" in browser.get("/admin/sessions/k0000001").text


def test_put_a_viewer_out(lab: AdminLab) -> None:
    browser = lab.browser()
    assert "Put Jun Okafor out?" in browser.get("/admin/sessions/k0000001/put-out/c2").text
    assert browser.post("/admin/sessions/k0000001/put-out/c2").status == 303
    assert lab.changes == [("DELETE", "/instances/k0000001/connections/c2", None)]
    assert browser.get("/admin/sessions/k0000001/put-out/c2").status == 404
    assert browser.post("/admin/sessions/k0000001/put-out/c2").status == 303  # gone already is out


def test_why_here_shows_the_stored_decision(lab: AdminLab) -> None:
    text = lab.browser().get("/admin/sessions/k0000001/decision").text
    assert "Needs 8 cores, 6 are free." in text
    assert "53.1" in text
    assert "The node is cordoned." in text


def test_the_log_is_text(lab: AdminLab) -> None:
    page = lab.browser().get("/admin/sessions/k0000001")
    assert "&lt;b&gt;not bold&lt;/b&gt;" in page.html


def test_filters_stand_in_the_address_and_reach_the_api(lab: AdminLab) -> None:
    page = lab.browser().get("/admin/sessions?owner=jun&state=running&q=tomo")
    assert 'value="jun"' in page.html
    assert "/admin/fragments/sessions?q=tomo&amp;state=running&amp;owner=jun" in page.html
    assert "Mara Lindqvist" not in page.text
    assert lab.browser().get("/admin/sessions?state=nonsense").status == 200


def test_five_thousand_sessions_come_a_hundred_at_a_time(lab: AdminLab) -> None:
    first = lab.double.instances["k0000001"]
    lab.double.instances = {f"m{n:07d}": {**first, "id": f"m{n:07d}"} for n in range(5000)}
    browser = lab.browser()
    page = browser.get("/admin/sessions")
    assert page.html.count('<tr id="s-') == 100
    assert 'href="/admin/sessions?cursor=100"' in page.html
    last = browser.get("/admin/sessions?cursor=4900")
    assert last.html.count('<tr id="s-') == 100
    assert "Next 100" not in last.text
    assert "First page" in last.text


def test_a_thousand_nodes_come_a_hundred_at_a_time(lab: AdminLab) -> None:
    one = lab.double.nodes["gpu-07"]
    lab.double.nodes = {f"n{n:04d}": {**one, "name": f"n{n:04d}"} for n in range(1000)}
    browser = lab.browser()
    assert browser.get("/admin/nodes?first=200").html.count('<tr id="n-') == 100
    assert "201 to 300 of 1,000" in browser.get("/admin/nodes?first=200").text
    assert "950 more nodes" in browser.get("/admin").text


def test_what_if(lab: AdminLab) -> None:
    browser = lab.browser()
    page = browser.get("/admin/scheduler?environment=gpu-desktop&person=mara")
    assert "It would start at once on node gpu-07" in page.text
    assert "Needs 16 cores, 6 are free." in page.text
    lab.double.environments["huge"] = environment(
        "huge", "Huge", needs={"cpus": 999.0, "memory": 1, "gpu": None, "selector": ""}
    )
    assert "It would wait: nothing fits now, and 2 wait before it." in browser.get(
        "/admin/scheduler?environment=huge"
    ).text.replace("\u00a0", " ")
    assert "There is no person nobody." in browser.get("/admin/scheduler?environment=desktop&person=nobody").text


def policy_fields(browser: Reader) -> dict[str, str]:
    """What the policy's form holds now."""

    found: dict[str, str] = {}

    class Fields(HTMLParser):
        inside = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            facts = dict(attrs)
            if tag == "form":
                self.inside = facts.get("class") == "policy"
            if (
                self.inside
                and tag == "input"
                and facts.get("name")
                and (facts.get("type") != "radio" or "checked" in facts)
            ):
                found[str(facts["name"])] = facts.get("value") or ""

    Fields().feed(browser.get("/admin/scheduler").html)
    found.pop("form_token")
    return found


def test_the_policy_as_it_is_goes_through_the_form_unchanged(lab: AdminLab) -> None:
    browser, before = lab.browser(), dict(lab.double.policy)
    assert browser.post("/admin/scheduler", **policy_fields(browser)).location == "/admin/scheduler?saved=1"
    after = dict(lab.double.policy)
    assert after.pop("revision") == before.pop("revision") + 1
    assert after == before


def test_a_changed_policy(lab: AdminLab) -> None:
    browser = lab.browser()
    fields = policy_fields(browser) | {
        "strategy": "pack", "weights.gpu": "3,5", "lifetime.default_seconds": "24", "quotas.default.gpus": "",
        "quotas.groups.0.name": "", "quotas.people.0.name": "mara", "quotas.people.0.sessions": "20",
        "quotas.people.0.gpus": "8", "priorities.groups.1.name": "imbl", "priorities.groups.1.value": "5",
    }  # fmt: skip
    assert browser.post("/admin/scheduler", **fields).status == 303
    now: dict[str, Any] = lab.double.policy
    assert (now["strategy"], now["weights"]["gpu"], now["lifetime"]["default_seconds"]) == ("pack", 3.5, 86400)
    assert now["quotas"]["default"] == {"sessions": 6, "gpus": None}
    assert now["quotas"]["groups"] == {}
    assert now["quotas"]["people"] == {"mara": {"sessions": 20, "gpus": 8}}
    assert now["priorities"]["groups"] == {"xfm": 10, "imbl": 5}


def test_a_policy_that_cannot_be_read_stays_in_the_form(lab: AdminLab) -> None:
    browser = lab.browser()
    answer = browser.post("/admin/scheduler", **{**policy_fields(browser), "weights.cpu": "many"})
    assert answer.status == 422
    assert 'value="many"' in answer.html
    assert "A number, such as 1.5." in answer.text
    assert lab.changes == []


def test_a_policy_that_the_api_refuses_names_the_field(lab: AdminLab) -> None:
    browser = lab.browser()
    answer = browser.post("/admin/scheduler", **{**policy_fields(browser), "weights.cpu": "-1"})
    assert answer.status == 422
    assert 'id="e-weights.cpu"' in answer.html
    assert "How much CPU counts:" in answer.text
    assert "Must be 0 or more." in answer.text


def test_a_policy_that_somebody_else_changed_meanwhile(lab: AdminLab) -> None:
    browser = lab.browser()
    fields = policy_fields(browser)
    lab.double.policy["revision"] += 1
    answer = browser.post("/admin/scheduler", **{**fields, "weights.cpu": "7"})
    assert answer.status == 412
    assert "Somebody else changed the policy" in answer.text
    assert 'value="7"' in answer.html


def test_environments_are_switched_and_given_to_some(lab: AdminLab) -> None:
    browser = lab.browser()
    assert "Its label on gpu-09 asks for 0 cores" in browser.get("/admin/environments").text
    assert do(browser, "/admin/environments/desktop/disable").status == 303
    assert browser.post("/admin/environments/old/enable").status == 303
    assert browser.post("/admin/environments/desktop/allow", who="some", groups="", people="").status == 422
    assert (
        browser.post("/admin/environments/desktop/allow", who="some", groups="xfm, imbl", people="demo").status == 303
    )
    assert browser.post("/admin/environments/desktop/allow", who="all").status == 303
    assert browser.post("/admin/environments/desktop/allow", who="image").status == 303
    assert [body for _, _, body in lab.changes] == [
        {"enabled": False},
        {"enabled": True},
        {"allow": {"groups": ["xfm", "imbl"], "people": ["demo"]}},
        {"allow": {"groups": [], "people": []}},
        {"allow": None},
    ]


def test_quotas_and_sign_ins_of_people(lab: AdminLab) -> None:
    browser = lab.browser()
    assert "Demo Scientist" in browser.get("/admin/people?q=demo").text
    assert do(browser, "/admin/people/demo/quota", whose="own", sessions="9", gpus="").status == 303
    assert browser.post("/admin/people/demo/quota", whose="own", sessions="-1", gpus="x").status == 422
    assert browser.post("/admin/people/demo/quota", whose="policy").status == 303
    assert "It touches 1 person" in browser.get("/admin/people/demo/sign-ins").text.replace("\u00a0", " ")
    assert browser.post("/admin/people/demo/sign-ins").status == 303
    assert lab.changes == [
        ("PATCH", "/people/demo", {"quota": {"sessions": 9, "gpus": None}}),
        ("PATCH", "/people/demo", {"quota": None}),
        ("DELETE", "/people/demo/sessions", None),
    ]


def test_a_step_that_the_overview_offers_is_asked_for_once_more(lab: AdminLab) -> None:
    browser = lab.browser()
    page = browser.get("/admin")
    path = next(part.split('"')[0] for part in page.html.split('href="') if part.startswith("/admin/concerns/"))
    assert "It touches 7 people" in browser.get(path).text.replace("\u00a0", " ")
    assert browser.post(path).location == "/admin"
    assert lab.changes == [("PATCH", "/nodes/cpu-03", {"gone": True})]
    lab.double.attention.clear()
    assert browser.post(path).status == 404
    assert "All well. Nothing needs you." in browser.get("/admin").text


def test_the_audit_is_filtered_and_comes_as_csv(lab: AdminLab) -> None:
    browser = lab.browser()
    do(browser, "/admin/nodes/gpu-07/cordon", reason="Disk")
    browser.post("/admin/nodes/gpu-07/activate")
    page = browser.get("/admin/audit?target=gpu-07&from=2026-01-01&to=2026-12-31")
    assert page.text.count("node.cordon") == 1
    assert "/admin/audit.csv?target=gpu-07&amp;from=2026-01-01&amp;to=2026-12-31" in page.html
    asked = [request.path_url for request in lab.wire.passed if request.path_url.startswith("/api/v1/audit")]
    assert "from=2026-01-01T00%3A00%3A00Z" in asked[0]
    answer = browser.get("/admin/audit.csv?target=gpu-07")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.html.count(",node.") == 2
    assert "Nothing fits these filters." in browser.get("/admin/audit?target=none").text
