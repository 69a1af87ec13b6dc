"""Home: cards by state, the catalogue, starting, fragments."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import State
from tests.support.people import DESKTOP
from tests.support.portal_lab import PortalLab
from tests.unit.webui.sessions import session

from asci_webui.home import arrange, pace  # isort: skip

SESSIONS = [
    session(id="starting", state="pulling", created_at="2026-11-24T08:03:00Z"),
    session(id="shared", state="running", owner={"username": "aiko", "name": "Aiko"}),
    session(id="failed", state="failed"),
    session(id="old", state="running", created_at="2026-11-24T08:00:00Z"),
    session(id="new", state="running", created_at="2026-11-24T08:05:00Z"),
    session(id="queued", state="queued"),
    session(id="stopped", state="stopped", ended_at="2026-11-24T09:00:00Z"),
    session(id="stopped2", state="stopped", ended_at="2026-11-24T10:00:00Z"),
]


def names(order: list[str] | None = None) -> tuple[list[str], list[str]]:
    cards, ended = arrange(tuple(SESSIONS), "mara", order or [])
    return [card.id for card in cards], [one.id for one in ended]


def test_running_then_starting_queued_failed_and_shared() -> None:
    assert names() == (["new", "old", "starting", "queued", "failed", "shared"], ["stopped2", "stopped"])


def test_no_card_jumps_while_the_page_is_open() -> None:
    shown = ["queued", "starting", "old"]
    cards, _ = names(shown)
    assert cards[:3] == shown
    assert cards[3:] == ["new", "failed", "shared"]


@pytest.mark.parametrize(
    ("state", "seconds"),
    [("placed", 1), ("pulling", 1), ("starting", 1), ("stopping", 1), ("queued", 3), ("lost", 3), ("running", 10),
     ("failed", 10), ("stopped", 10)],
)  # fmt: skip
def test_pace(state: str, seconds: int) -> None:
    assert pace((session(state=state),)) == seconds


def test_nobody_has_anything_at_first(lab: PortalLab) -> None:
    home = lab.browser("demo").get("/")
    assert "Nothing is running. Choose an environment below: it is ready in a few seconds." in home.text
    assert "0 of " in home.text
    assert "Linux desktop" in home.text


def test_no_environment_at_all(lab: PortalLab) -> None:
    lab.api.store.cluster.put_environments(())
    assert "No environment is published yet." in lab.browser("demo").get("/").text


def test_admins_find_the_adminui_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    without, with_it = PortalLab(tmp_path / "without"), PortalLab(tmp_path / "with", administration=True)
    for lab in (without, with_it):
        lab.api.store.cluster.put_environments(())
    for lab, username, there in ((without, "admin", False), (with_it, "demo", False), (with_it, "admin", True)):
        page = lab.browser(username).get("/").text
        assert ("Publish the first one" in page) is there
        assert ("Administration" in page) is there


def test_a_start_is_a_plain_form_that_leads_to_its_page(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    answer = demo.post("/start", environment="desktop", geometry="1280x752", key="", title="")
    assert re.fullmatch(r"/s/[a-z0-9]+", answer.location)
    (one,) = lab.api.visitor("demo").get("/instances").json["items"]
    assert one["geometry"] == "1280x752"


def test_a_double_click_is_one_start(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    first = demo.post("/start", environment="desktop", key="the-same-click")
    assert demo.post("/start", environment="desktop", key="the-same-click").location == first.location


def test_a_refusal_stands_beside_what_was_asked_for(lab: PortalLab) -> None:
    lab.api.offer(replace(DESKTOP, needs=replace(DESKTOP.needs, memory=4 * 1024**4)))
    demo = lab.browser("demo")
    answer = demo.post("/start", environment="desktop")
    assert answer.status == 422
    assert 'role="alert"' in answer.html
    assert "My sessions" in answer.text
    assert demo.post("/start", environment="no-such").status == 404


def test_search_without_script(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    assert " hidden>" not in re.search(r'<li class="card environment".*?>', demo.get("/?q=mate").html)[0]  # type: ignore[index]
    nothing = demo.get("/?q=tomoxx")
    assert re.search(r'<li class="card environment"[^>]* hidden>', nothing.html)
    assert "Nothing fits “ tomoxx ”." in nothing.text
    assert "<script>" not in demo.get("/?q=<script>").html


def test_cards_by_state(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    one = lab.api.visitor("demo").start(title="Tomography")
    assert "In the queue" in demo.get("/").text
    assert "Leave the queue" in demo.get("/").text
    lab.api.runs(one)
    home = demo.get("/")
    assert "Running" in home.text
    assert "Nobody is here" in home.text
    assert re.search(r"\d days? \d+\s?h left|\d days left", home.text.replace("\u00a0", " "))
    assert f'href="/s/{one}/share" data-dialog' in home.html
    lab.api.ends(one, end_reason="Logged out of the desktop.")
    assert "Logged out of the desktop." in demo.get("/").text
    assert "Start again" in demo.get("/").text


def test_a_failure_names_cause_next_step_and_number(lab: PortalLab) -> None:
    one = lab.api.visitor("demo").start()
    lab.api.ends(one, State.FAILED)
    page = lab.browser("demo").get("/")
    assert "Did not start" in page.text
    assert "Try again" in page.text


def test_shared_with_me(lab: PortalLab) -> None:
    one = lab.api.visitor("demo").start(title="Slices")
    lab.api.runs(one)
    lab.api.visitor("demo").put(f"/instances/{one}/shares/jun", {"mode": "view"})
    page = lab.browser("jun").get("/")
    assert "Shared by Demo Scientist" in page.text
    assert "You can watch" in page.text
    assert f"/s/{one}/stop" not in page.html
    assert f"/s/{one}/share" not in page.html


def test_titles_of_other_people_are_text(lab: PortalLab) -> None:
    one = lab.api.visitor("demo").start(title='<img src=x onerror="alert(1)">')
    lab.api.runs(one)
    for path in ("/", f"/s/{one}", f"/s/{one}/share", f"/s/{one}/stop", f"/s/{one}/details"):
        assert "<img src=x" not in lab.browser("demo").get(path).html, path


def test_an_unchanged_list_costs_one_small_question(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    tag = re.search(r'hx-ptag="([^"]+)"', demo.get("/").html)[1].replace("&#34;", '"')  # type: ignore[index]
    lab.wire.passed.clear()
    answer = demo.get("/fragments/sessions", HX_Request="true", HX_PTag=tag)
    assert (answer.status, answer.html) == (304, "")
    assert [request.path_url.split("?")[0] for request in lab.wire.passed] == ["/api/v1/instances"]
    lab.api.visitor("demo").start()
    fresh = demo.get("/fragments/sessions", HX_Request="true", HX_PTag=tag)
    assert fresh.status == 200
    assert fresh.headers["HX-PTag"] != tag
    assert 'data-pace="3"' in fresh.html


def test_a_tag_of_an_older_portal_is_answered_in_full(lab: PortalLab) -> None:
    assert lab.browser("demo").get("/fragments/sessions", HX_PTag='0.0.0:W/"x"').status == 200


def test_the_notice_strip(lab: PortalLab) -> None:
    (lab.api.config / "notice.json").write_text('{"text": "Nodes are <b>updated</b>.", "level": "warning", "id": "1"}')
    page = lab.browser("demo").get("/")
    assert "Nodes are &lt;b&gt;updated&lt;/b&gt;." in page.html
    assert "tone-wait" in page.html
    assert "Nodes are" in lab.browser("demo").get("/fragments/notice").text


def test_fragments_are_small(lab: PortalLab) -> None:
    visitor = lab.api.visitor("demo")
    for _ in range(3):
        lab.api.runs(visitor.start())
    demo = lab.browser("demo")
    assert len(demo.get("/fragments/sessions").html) < 20_000
    assert lab.api.store.instances.get(InstanceId("no-such")) is None
