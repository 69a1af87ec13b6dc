"""Rename, keep it longer, stop: as plain pages and as dialogs of a script."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

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


def test_keep_it_longer(lab: PortalLab, one: str) -> None:
    demo = lab.browser("demo")
    before = lab.api.visitor("demo").get(f"/instances/{one}").json["expires_at"]
    assert "It would be kept until" in demo.get(f"/s/{one}/keep").text
    answer = demo.post(f"/s/{one}/keep", INLINE)
    assert answer.status in {204, 422}
    after = lab.api.visitor("demo").get(f"/instances/{one}").json["expires_at"]
    assert (after > before) is (answer.status == 204)


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
