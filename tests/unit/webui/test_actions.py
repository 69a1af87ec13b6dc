"""Rename, keep it longer, stop: as plain pages and as dialogs of a script."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import DrainNotice
from tests.support.portal_lab import PortalLab

INLINE = {"X-Inline": "1"}


@pytest.fixture
def one(lab: PortalLab) -> str:
    name = lab.api.visitor("demo").start(title="Tomography")
    lab.api.runs(name)
    return name


@pytest.mark.parametrize("part", ["rename", "keep", "stop", "share"])
def test_each_is_a_page_and_a_dialog(lab: PortalLab, one: str, part: str) -> None:
    demo = lab.browser("demo")
    page, dialog = demo.get(f"/s/{one}/{part}"), demo.get(f"/s/{one}/{part}", X_Inline="1")
    assert "<!doctype html>" in page.html
    assert "<dialog" not in page.html
    assert dialog.html.lstrip().startswith("<dialog")
    assert "<html" not in dialog.html
    assert "autofocus" in dialog.html


def test_rename(lab: PortalLab, one: str) -> None:
    demo = lab.browser("demo")
    assert demo.post(f"/s/{one}/rename", title="  New   name ").location == f"/s/{one}"
    assert lab.api.visitor("demo").get(f"/instances/{one}").json["title"] == "New name"
    answer = demo.post(f"/s/{one}/rename", INLINE, title="Third")
    assert answer.status == 204
    assert unquote(answer.headers["X-Toast"]) == "Renamed to “Third”."


def test_a_session_needs_a_name(lab: PortalLab, one: str) -> None:
    answer = lab.browser("demo").post(f"/s/{one}/rename", INLINE, title="   ")
    assert answer.status == 422
    assert "A session needs a name." in answer.text
    assert 'aria-invalid="true"' in answer.html


DAY = 86400


@pytest.fixture
def ending(lab: PortalLab) -> str:
    """A session that ends in 15 minutes by the clock on the wall."""
    lab.api.memory.clock.now = time.time()
    name = lab.api.visitor("demo").start(title="Tomography")
    lab.api.runs(name)
    _ends_in(lab, name, 900)
    return name


def _ends_in(lab: PortalLab, name: str, seconds: float) -> None:
    lab.api.store.instances.change(InstanceId(name), lambda now: replace(now, expires_at=time.time() + seconds))


def _left(lab: PortalLab, name: str) -> float:
    text = lab.api.visitor("demo").get(f"/instances/{name}").json["expires_at"]
    return datetime.fromisoformat(text).timestamp() - time.time()


def test_keep_it_longer(lab: PortalLab, ending: str) -> None:
    demo = lab.browser("demo")
    page = demo.get(f"/s/{ending}/keep")
    assert "For a week" in page.text
    assert "As long as the rules allow" in page.text
    answer = demo.post(f"/s/{ending}/keep", INLINE)
    assert answer.status == 204
    assert _left(lab, ending) == pytest.approx(7 * DAY, abs=60)
    day = datetime.fromtimestamp(time.time() + _left(lab, ending), UTC)
    assert unquote(answer.headers["X-Toast"]).startswith(f"Kept until {day.day} {day:%B}, ")


def test_as_long_as_the_rules_allow_in_one_go(lab: PortalLab, ending: str) -> None:
    demo = lab.browser("demo")
    demo.get("/")
    assert demo.post(f"/s/{ending}/keep", INLINE, until="longest").status == 204
    assert _left(lab, ending) == pytest.approx(28 * DAY, abs=60)


def test_keeping_never_shortens(lab: PortalLab, ending: str) -> None:
    _ends_in(lab, ending, 20 * DAY)
    demo = lab.browser("demo")
    assert "It would be kept until" in demo.get(f"/s/{ending}/keep").text
    assert demo.post(f"/s/{ending}/keep", INLINE, until="week").status == 204
    assert _left(lab, ending) == pytest.approx(28 * DAY, abs=60)
    _ends_in(lab, ending, 29 * DAY)
    assert demo.post(f"/s/{ending}/keep", INLINE, until="week").status == 204
    assert _left(lab, ending) == pytest.approx(29 * DAY, abs=60)


def test_keeping_goes_as_far_as_the_policy_lets(lab: PortalLab, ending: str) -> None:
    lab.api.memory.policies.change(lambda policy: replace(policy, longest_life=2.0 * DAY))
    demo = lab.browser("demo")
    demo.get("/")
    assert demo.post(f"/s/{ending}/keep", INLINE).status == 204
    assert _left(lab, ending) == pytest.approx(2 * DAY, abs=60)


def test_keeping_is_offered_where_it_gains(lab: PortalLab, ending: str) -> None:
    demo = lab.browser("demo")
    assert f"/s/{ending}/keep" in demo.get("/").html
    _ends_in(lab, ending, 28 * DAY - 1800)
    assert f"/s/{ending}/keep" not in demo.get("/").html
    assert 'id="more-keep" hidden' in demo.get(f"/s/{ending}").html


def test_the_card_warns_before_the_end(lab: PortalLab, ending: str) -> None:
    lab.api.visitor("demo").put(f"/instances/{ending}/shares/jun", {"mode": "control"})
    mine = lab.browser("demo").get("/")
    assert "ends in 15" in mine.text
    assert "Save your work, or keep it longer." in mine.text
    theirs = lab.browser("jun").get("/")
    assert "ends in 15" in theirs.text
    assert "or keep it longer" not in theirs.text
    assert 'name="server-time"' in theirs.html
    _ends_in(lab, ending, 3 * DAY)
    assert re.search(r'data-ends="[^"]*" data-created="[^"]*" hidden', lab.browser("demo").get("/").html)


def test_an_ended_session_is_not_shared(lab: PortalLab, ending: str) -> None:
    demo = lab.browser("demo")
    assert 'id="share"' in demo.get(f"/s/{ending}").html
    lab.api.ends(ending)
    assert 'id="share"' not in demo.get(f"/s/{ending}").html


def test_the_question_before_stopping(lab: PortalLab, one: str) -> None:
    demo = lab.browser("demo")
    page = demo.get(f"/s/{one}/stop")
    assert "Stop “Tomography”?" in page.text
    assert "unsaved work in them is lost. Files in your home folder and data stay." in page.text
    assert "here now" not in page.text
    lab.api.memory.presence.put(lab.api.lease(one, "jun"))
    assert "Jun Okafor is here now." in demo.get(f"/s/{one}/stop").text


def test_stop(lab: PortalLab, one: str) -> None:
    demo = lab.browser("demo")
    assert demo.post(f"/s/{one}/stop").location == "/"
    assert lab.api.visitor("demo").get(f"/instances/{one}").json["state"] == "stopping"


def test_an_ended_one_leaves_the_list(lab: PortalLab, one: str) -> None:
    lab.api.ends(one)
    answer = lab.browser("demo").post(f"/s/{one}/stop", INLINE)
    assert unquote(answer.headers["X-Toast"]) == "“Tomography” is off your list."
    assert lab.api.visitor("demo").get("/instances").json["items"] == []


def test_a_guest_cannot_stop_or_rename(lab: PortalLab, one: str) -> None:
    lab.api.visitor("demo").put(f"/instances/{one}/shares/jun", {"mode": "control"})
    jun = lab.browser("jun")
    assert jun.post(f"/s/{one}/stop").status == 403
    assert jun.post(f"/s/{one}/rename", title="Mine").status == 403
    assert lab.api.visitor("demo").get(f"/instances/{one}").json["state"] == "running"


def test_sharing_without_script(lab: PortalLab, one: str) -> None:
    demo = lab.browser("demo")
    assert "Only you can open this session." in demo.get(f"/s/{one}/share").text
    found = demo.get(f"/s/{one}/share?q=okaf&mode=control")
    assert 'value="jun"' in found.html
    assert "Control means your account." in found.text
    assert demo.post(f"/s/{one}/share", username="jun", mode="control").location == f"/s/{one}/share"
    page = demo.get(f"/s/{one}/share")
    assert "Jun Okafor" in page.text
    assert '<option value="control" selected>' in page.html
    demo.post(f"/s/{one}/share", username="jun", act="remove")
    assert "Only you can open this session." in demo.get(f"/s/{one}/share").text


def test_sharing_by_script(lab: PortalLab, one: str) -> None:
    demo = lab.browser("demo")
    demo.get(f"/s/{one}/share", X_Inline="1")
    added = demo.post(f"/s/{one}/share", INLINE, username="jun", mode="view")
    assert added.status == 200
    assert "Jun can watch." in added.text
    assert "Not here yet" in added.text
    lab.api.memory.presence.put(lab.api.lease(one, "jun", mode="view"))
    assert "Here now, watching" in demo.get(f"/s/{one}/share", X_Inline="1").text
    removed = demo.post(f"/s/{one}/share", INLINE, username="jun", act="remove")
    assert "Jun is out. Their picture closed." in removed.text


def test_people_found(lab: PortalLab, one: str) -> None:
    demo = lab.browser("demo")
    assert 'data-username="jun"' in demo.get(f"/s/{one}/share/people?q=jun").html
    assert "Nobody by that name." in demo.get(f"/s/{one}/share/people?q=zzz").text
    assert demo.get(f"/s/{one}/share/people?q=j").text == ""
    lab.api.visitor("demo").put(f"/instances/{one}/shares/jun", {"mode": "view"})
    assert 'data-username="jun"' not in demo.get(f"/s/{one}/share/people?q=jun").html


def test_sharing_with_nobody_we_know(lab: PortalLab, one: str) -> None:
    answer = lab.browser("demo").post(f"/s/{one}/share", INLINE, username="nobody", mode="view")
    assert answer.status == 404
    assert 'role="alert"' in answer.html


def test_a_guest_cannot_share_further(lab: PortalLab, one: str) -> None:
    lab.api.visitor("demo").put(f"/instances/{one}/shares/jun", {"mode": "control"})
    jun = lab.browser("jun")
    assert jun.get(f"/s/{one}/share").status == 404
    assert jun.post(f"/s/{one}/share", username="mara", mode="view").status in {403, 404}
    assert [s["username"] for s in lab.api.visitor("demo").get(f"/instances/{one}").json["shares"]] == ["jun"]


def test_a_home_that_cannot_be_written_is_said_before_anything_is_lost(lab: PortalLab, ending: str) -> None:
    sentence = "Your home folder cannot be written. Files that you save now are lost."
    lab.api.store.instances.change(InstanceId(ending), lambda now: replace(now, warning=sentence))
    demo = lab.browser("demo")
    assert sentence in demo.get("/").text
    assert f'data-warning="{sentence}"' in demo.get(f"/s/{ending}").html
    question = demo.get(f"/s/{ending}/stop").text
    assert sentence in question
    assert "home folder and data stay" not in question


def test_a_drain_is_told_on_the_card_and_on_the_page(lab: PortalLab, one: str) -> None:
    notice = DrainNotice(NodeName("local"), "New disks", time.time() + 3600)
    lab.api.store.instances.change(InstanceId(one), lambda now: replace(now, drain=notice))
    demo = lab.browser("demo")
    home = demo.get("/")
    assert "Node local is being emptied. New disks. This session ends" in " ".join(home.text.split())
    assert "/keep" not in home.html
    assert 'data-warning="Node local is being emptied. New disks. This session ends' in demo.get(f"/s/{one}").html
    assert json.loads(demo.get(f"/s/{one}/state").html)["warning"].startswith("Node local is being emptied.")
