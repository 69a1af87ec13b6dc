"""Every state's mark and sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from asci_shared.web.words.marks import Mark
from asci_webui.words import states
from tests.unit.webui.sessions import progress, session

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

MARKS = [
    ("queued", "wait", "hourglass", "In the queue"),
    ("placed", "accent", "spinner", "Starting"),
    ("pulling", "accent", "spinner", "Starting"),
    ("starting", "accent", "spinner", "Starting"),
    ("running", "ok", "dot", "Running"),
    ("stopping", "calm", "spinner", "Stopping"),
    ("stopped", "calm", "circle-stop", "Ended"),
    ("failed", "bad", "circle-x", "Did not start"),
    ("lost", "bad", "unplug", "Node lost"),
]


@pytest.mark.parametrize(("state", "tone", "icon", "word"), MARKS)
def test_marks(state: str, tone: str, icon: str, word: str) -> None:
    assert states.mark(session(state=state)) == Mark(tone, icon, word)


def test_a_failure_after_running_is_not_one_of_starting() -> None:
    assert states.mark(session(state="failed", running_at="2026-11-24T08:00:00Z")).word == "Failed"


def test_a_state_of_a_newer_api_is_still_told() -> None:
    assert states.mark(session(state="frozen")).word == "Frozen"
    assert states.sentence(session(state="frozen")) == ""


SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({"state": "queued", "queue": {"place": 1}}, "You are <strong>next</strong>. No forecast yet."),
    ({"state": "queued", "queue": {"place": 2}}, "You are <strong>2nd in line</strong>. No forecast yet."),
    ({"state": "queued"}, "You are <strong>next</strong>. No forecast yet."),
    ({"state": "placed"}, "A place is found on <strong>node gpu-07</strong>."),
    (
        {"state": "pulling", "progress": progress(percent=42)},
        "Pulling the image on <strong>node gpu-07</strong>, 42 %",
    ),
    ({"state": "pulling", "progress": progress()}, "Pulling the image on <strong>node gpu-07</strong>."),
    (
        {"state": "starting", "progress": progress(3, message="Mounting your home folder and data.")},
        "Mounting your home folder and data.",
    ),
    ({"state": "starting", "progress": progress(4)}, "Starting the desktop on <strong>node gpu-07</strong>."),
    ({"state": "starting", "kind": "web"}, "Starting the application on <strong>node gpu-07</strong>."),
    ({"state": "stopping"}, "Stopping. Files in your home folder stay."),
    ({"state": "stopped", "end_reason": "Its time ran out."}, "Its time ran out."),
    ({"state": "stopped"}, "It ended."),
    ({"state": "running"}, ""),
    ({"state": "failed"}, ""),
]


@pytest.mark.parametrize(("facts", "sentence"), SENTENCES)
def test_sentences(facts: dict[str, Any], sentence: str) -> None:
    assert states.sentence(session(**facts)).replace("\u00a0", " ") == sentence


def test_a_lost_node_says_since_when() -> None:
    words = states.sentence(session(state="lost", state_since="2026-11-24T13:52:00Z"))
    assert words.startswith('Node gpu-07 does not answer since <time datetime="2026-11-24T13:52:00Z"')
    assert words.endswith("Your desktop may still be running: we look again every few seconds.")


def test_values_are_escaped() -> None:
    assert "&lt;b&gt;" in states.sentence(session(state="placed", node="<b>"))
    assert "&lt;b&gt;" in states.sentence(session(state="stopped", end_reason="<b>"))


@pytest.mark.parametrize(
    ("facts", "percent"),
    [
        ({"state": "pulling", "progress": progress(2, 42)}, 42.0),
        ({"state": "starting", "progress": progress(3)}, 50.0),
        ({"state": "placed", "progress": progress(1)}, 0.0),
        ({"state": "placed"}, None),
        ({"state": "queued", "progress": progress(1)}, None),
    ],
)
def test_how_full_the_bar_is(facts: dict[str, Any], percent: float | None) -> None:
    assert states.percent(session(**facts)) == percent


@pytest.mark.parametrize(
    ("state", "phase"),
    [("queued", "waiting"), ("placed", "waiting"), ("pulling", "waiting"), ("starting", "waiting"),
     ("running", "running"), ("stopping", "stopping"), ("stopped", "ended"), ("failed", "ended"), ("lost", "lost")],
)  # fmt: skip
def test_faces_of_the_session_page(state: str, phase: str) -> None:
    assert states.phase(session(state=state)) == phase


def test_time_left() -> None:
    ends = session(expires_at="2026-11-24T12:12:30Z")
    assert states.time_left(ends, NOW).replace("\u00a0", " ") == "3 h 12 min left"
    assert not states.ends_soon(ends, NOW)
    assert states.ends_soon(session(expires_at="2026-11-24T09:59:00Z"), NOW)
    assert states.time_left(session(), NOW) == ""
    assert not states.ends_soon(session(), NOW)


@pytest.mark.parametrize(
    ("ends", "access", "stage"),
    [
        ("2026-11-25T10:00:00Z", "owner", ""),
        ("2026-11-25T08:59:00Z", "owner", "day"),
        ("2026-11-24T09:30:00Z", "owner", "half"),
        ("2026-11-24T09:15:00Z", "control", "half"),
        ("2026-11-24T09:15:00Z", "view", ""),
        ("2026-11-24T08:00:00Z", "owner", ""),
    ],
)
def test_when_it_warns(ends: str, access: str, stage: str) -> None:
    one = session(created_at="2026-11-20T08:00:00Z", expires_at=ends, my_access=access)
    assert states.ending(one, NOW) == stage


def test_a_short_life_is_no_surprise() -> None:
    one = session(created_at="2026-11-24T08:00:00Z", expires_at="2026-11-24T20:00:00Z")
    assert states.ending(one, NOW) == ""


def test_how_the_warning_reads() -> None:
    assert states.ends_in(session(expires_at="2026-11-24T09:15:00Z"), NOW) == "This session ends in 15\u00a0minutes."
    assert states.ends_in(session(expires_at="2026-11-24T09:00:20Z"), NOW) == "This session ends in 1\u00a0minute."


DRAIN = {"node": "gpu-07", "reason": "New disks", "deadline": "2026-11-24T18:00:00Z"}


def test_people_on_a_node_that_is_emptied_are_told_so_with_the_reason() -> None:
    one = session(drain=DRAIN, expires_at="2026-11-24T18:00:00Z", longest_life_seconds=28 * 86400)
    assert states.drained(one) == "Node gpu-07 is being emptied. New disks."
    assert states.warned(one).startswith("Node gpu-07 is being emptied. New disks. This session ends then")
    assert not states.keepable(one, NOW)


def test_a_drain_without_a_deadline_asks_to_stop() -> None:
    one = session(drain={**DRAIN, "reason": "", "deadline": None})
    assert states.warned(one) == (
        "Node gpu-07 is being emptied. Save your work, and stop the session when you are done."
    )
    assert states.drained(session()) == states.warned(session()) == ""


def test_what_is_wrong_with_the_session_itself_comes_before_a_drain() -> None:
    assert states.warned(session(drain=DRAIN, warning="Home is full.")) == "Home is full."


def test_a_reason_that_somebody_typed_ends_as_a_sentence() -> None:
    one = session(state="stopped", end_reason="Stopped by Ada: maintenance")
    assert states.sentence(one) == "Stopped by Ada: maintenance."
