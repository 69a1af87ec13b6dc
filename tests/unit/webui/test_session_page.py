"""The session page: its faces, its state for the script, details, and what guests see."""

from __future__ import annotations

import json
import re

from asci_api.domain.instance import State
from tests.support.portal_lab import Answer, PortalLab


def facts(answer: Answer) -> dict[str, object]:
    document = json.loads(answer.html)
    assert isinstance(document, dict)
    return document


def test_waiting_room(lab: PortalLab) -> None:
    one = lab.api.visitor("demo").start()
    page = lab.browser("demo").get(f"/s/{one}")
    assert "Your desktop is in the queue" in page.text
    assert "You may close this page" in page.text
    assert 'data-phase="waiting"' in page.html
    assert 'rel="modulepreload"' in page.html


def test_the_owners_bar(lab: PortalLab) -> None:
    one = lab.api.visitor("demo").start(title="Tomography")
    lab.api.runs(one)
    page = lab.browser("demo").get(f"/s/{one}")
    for word in ("Share", "Clipboard", "Keys", "Sharp", "Full screen", "Stop session…", "Disconnect, keep it running"):
        assert word in page.text, word
    assert "<title>Tomography · ASCI</title>" in page.html
    assert 'data-mine="yes"' in page.html


def test_a_guest_who_watches_has_no_share_clipboard_or_keys(lab: PortalLab) -> None:
    one = lab.api.visitor("demo").start()
    lab.api.runs(one)
    lab.api.visitor("demo").put(f"/instances/{one}/shares/jun", {"mode": "view"})
    page = lab.browser("jun").get(f"/s/{one}")
    assert "Demo’s desktop · you are watching" in page.text
    assert 'data-access="view"' in page.html  # the style sheet leaves Clipboard and Keys out then
    for part in ("/share", "/stop", "/rename", "/keep"):
        assert part not in page.html, part
    lab.api.visitor("demo").put(f"/instances/{one}/shares/jun", {"mode": "control"})
    page = lab.browser("jun").get(f"/s/{one}")
    assert "you can control" in page.text
    assert 'data-access="control"' in page.html
    assert "/share" not in page.html


def test_others_find_nothing(lab: PortalLab) -> None:
    one = lab.api.visitor("demo").start()
    mara = lab.browser("mara")
    assert mara.get(f"/s/{one}").status == 404
    assert "There is nothing here." in mara.get(f"/s/{one}").text
    assert facts(mara.get(f"/s/{one}/state"))["phase"] == "gone"
    for part in ("share", "stop", "rename", "keep", "details"):
        assert mara.get(f"/s/{one}/{part}").status == 404, part


def test_no_secret_stands_in_the_page(lab: PortalLab) -> None:
    one = lab.api.visitor("demo").start()
    lab.api.runs(one)
    demo = lab.browser("demo")
    cookie = demo.client.get_cookie("asci")
    assert cookie is not None
    for path in (f"/s/{one}", f"/s/{one}/state", f"/s/{one}/details"):
        assert cookie.value not in demo.get(path).html
        assert 'type="password"' not in demo.get(path).html


def test_the_state_for_the_script(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    one = lab.api.visitor("demo").start()
    first = demo.get(f"/s/{one}/state")
    waiting = facts(first)
    assert (waiting["phase"], waiting["access"]) == ("waiting", "owner")
    assert "in the queue" in str(waiting["room"])
    same = demo.get(f"/s/{one}/state", If_None_Match=first.headers["ETag"])
    assert (same.status, same.html) == (304, "")
    lab.api.runs(one)
    running = facts(demo.get(f"/s/{one}/state", If_None_Match=first.headers["ETag"]))
    assert running["phase"] == "running"
    assert str(running["room"]).strip() == ""
    lab.api.ends(one, State.FAILED)
    assert "Try again" in str(facts(demo.get(f"/s/{one}/state"))["room"])


def test_an_unchanged_state_is_one_question(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    one = lab.api.visitor("demo").start()
    tag = demo.get(f"/s/{one}/state").headers["ETag"]
    lab.wire.passed.clear()
    assert demo.get(f"/s/{one}/state", If_None_Match=tag).status == 304
    assert len(lab.wire.passed) == 1


def test_the_page_hands_the_script_a_tag_that_holds(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    one = lab.api.visitor("demo").start()
    tag = re.search(r'data-tag="([^"]+)"', demo.get(f"/s/{one}").html)[1]  # type: ignore[index]
    assert demo.get(f"/s/{one}/state", If_None_Match=f'W/"{tag}"').status == 304


def test_an_ended_session(lab: PortalLab) -> None:
    demo = lab.browser("demo")
    one = lab.api.visitor("demo").start(title="Slices")
    lab.api.ends(one, end_reason="Its time ran out.")
    page = demo.get(f"/s/{one}")
    assert "Slices has ended" in page.text
    assert "Its time ran out." in page.text
    assert "Start again" in page.text


def test_details(lab: PortalLab) -> None:
    one = lab.api.visitor("demo").start()
    lab.api.ends(one, end_reason="Its time ran out.", log=("first line", "<last> line"))
    page = lab.browser("demo").get(f"/s/{one}/details")
    assert "first line" in page.text
    assert "&lt;last&gt; line" in page.html
    assert "Its time ran out." in page.text
    assert "Linux desktop" in page.text
