"""Words and small pictures: tables of what goes in and what people read."""

from __future__ import annotations

import pytest

from asci_adminui.node_forms import pairs, taints
from asci_adminui.words import amounts, charts, concerns, nodes, outcomes, spark
from asci_shared.api.cluster import Concern, Deed, Node, Overview, Stats, Step
from tests.support import admin_double


def node(name: str = "gpu-07", state: str = "active", **facts: object) -> Node:
    return Node.read(admin_double.node(name, state, **facts))


@pytest.mark.parametrize(
    ("share", "words", "tone"),
    [
        (None, "–", "accent"),
        (0.0, "0 %", "accent"),
        (0.46, "46 %", "accent"),
        (0.8, "80 %", "wait"),
        (1.2, "120 %", "bad"),
    ],
)
def test_shares(share: float | None, words: str, tone: str) -> None:
    assert amounts.percent(share).replace("\u00a0", " ") == words
    assert amounts.tone(share) == tone


@pytest.mark.parametrize(("value", "words"), [(None, "–"), (0, "0"), (1200, "1,200"), (0.5, "0.5"), (2.25, "2.25")])
def test_numbers(value: float | None, words: str) -> None:
    assert amounts.number(value) == words


def test_people_and_sessions() -> None:
    assert [amounts.people(n).replace("\u00a0", " ") for n in (0, 1, 7)] == ["nobody", "1 person", "7 people"]
    assert [amounts.sessions(n).replace("\u00a0", " ") for n in (0, 1, 9)] == ["no session", "1 session", "9 sessions"]
    assert amounts.cut("abcdef", 4) == "abc…"
    assert amounts.of(2, None) == "2"


@pytest.mark.parametrize(
    ("facts", "news"),
    [
        ({}, ""),
        ({"state": "down", "error": "refused"}, "No answer: refused"),
        ({"state": "down", "gone": True}, "Declared gone. It may be removed."),
        ({"state": "draining", "sessions": 0}, "Empty: nothing runs on it any more"),
        ({"state": "draining", "sessions": 2}, "Waits until it is empty"),
        ({"state": "cordoned"}, ""),
        ({"error": "no space on the disk"}, "no space on the disk"),
    ],
)
def test_news_of_a_node(facts: dict[str, object], news: str) -> None:
    assert str(nodes.news(node(**facts))) == news  # type: ignore[arg-type]


def test_who_took_a_node_out_and_why() -> None:
    facts = {"at": "2026-01-01T10:00:00Z", "actor": "ada", "action": "node.cordon", "target": "gpu-07", "outcome": "ok"}
    why = nodes.cordon_note(Deed.read({**facts, "detail": "reason: Disk; labels: a=b"}))
    assert why == "Cordoned by ada: Disk"
    assert nodes.cordon_note(Deed.read({**facts, "detail": ""})) == "Cordoned by ada"
    assert str(nodes.news(node(state="cordoned"), why)) == why
    assert str(nodes.news(node(), why)) == ""


def test_news_are_safe_html() -> None:
    assert "<b>" not in nodes.news(node(error="<b>loud</b>"))
    assert 'data-show="short"' in nodes.news(node(state="down", down_since="2026-01-01T10:00:00Z"))


def test_what_needs_somebody_comes_first() -> None:
    found = [node("b"), node("a", "cordoned"), node("d", "draining"), node("c", "down")]
    assert [one.name for one in sorted(found, key=nodes.by_need)] == ["c", "d", "a", "b"]
    assert nodes.takes_new(node())
    assert not nodes.takes_new(node(state="cordoned"))
    assert nodes.mark(node(gone=True)).word == "Gone"


def test_a_search_looks_at_names_labels_taints_and_addresses() -> None:
    one = node(labels={"gpu": "", "zone": "b"}, taints=[{"key": "online", "value": "xfm", "effect": "NoStart"}])
    assert nodes.labels(one) == ["gpu", "zone=b"]
    for text, state, fits in (
        ("GPU-07", "", True), ("zone=b gpu", "active", True), ("online=xfm", "", True), ("example.org", "", True),
        ("zone=c", "", False), ("gpu", "down", False),
    ):  # fmt: skip
        assert nodes.fits(one, text, state) is fits, text


def test_gpu_boxes() -> None:
    assert nodes.gpu_boxes(node(gpus=(1, 3, "L4"))) == ["taken", "free", "free"]
    shared = admin_double.node("a", gpus=(0, 1, "L4"))
    shared["gpus"][0].update(mode="shared", slots=4, used_slots=1)
    assert nodes.gpu_boxes(Node.read(shared)) == ["part"]
    assert nodes.gpu_boxes(Node.read({**admin_double.node("a", gpus=(2, 3, "")), "gpus": []})) == [
        "taken",
        "taken",
        "free",
    ]


def test_overcommit_makes_room() -> None:
    one = Node.read({**admin_double.node("a", cpus=(16, 32)), "overcommit": {"cpus": 2.0, "memory": 1.0}})
    assert one.cpu_share == 0.25


def test_a_line_from_left_to_right() -> None:
    drawn = spark.draw([0.0, 10.0, 5.0], width=20, height=14)
    assert drawn.line == "M0.0 12.0 L10.0 2.0 L20.0 7.0"
    assert drawn.area == drawn.line + " L20.0 14.0 L0 14.0 Z"
    assert spark.draw([None, 1.0, None]).line == ""
    assert spark.draw([0.5, 0.5], top=1.0, height=14).line == "M0.0 7.0 L96.0 7.0"
    assert spark.draw([1.0, None, 3.0], width=20, height=14).line == "M0.0 12.0 L20.0 2.0"


def test_thinning_takes_means_and_keeps_gaps() -> None:
    assert spark.thin([1.0, 3.0, None, None], 2) == [2.0, None]
    assert spark.thin([1.0, 2.0], 5) == [1.0, 2.0]
    assert len(spark.thin([1.0] * 1000, 48)) == 48
    assert spark.summed([[1.0, None], [2.0, None, 5.0]]) == [3.0, None, 5.0]
    assert spark.latest([1.0, 2.0, None]) == 2.0


def test_how_it_was_an_hour_ago() -> None:
    times = [float(n * 600) for n in range(13)]
    values = [float(n) for n in range(13)]
    assert spark.earlier(values, times, 3600.0) == 6.0
    assert spark.earlier(values[:3], times[:3], 3600.0) is None


def stats(**facts: object) -> Stats:
    return Stats.read({**admin_double.stats("24h"), **facts})


def test_columns_for_the_charts_fit_together() -> None:
    found = charts.columns(stats())
    lengths = {len(found[name]) for name in ("times", "running", "starting", "queued", "p50", "p95")}
    assert lengths == {240}
    assert found["times"] == sorted(found["times"])
    assert "running now" in found["sentences"]["sessions"]


def test_tables_say_what_the_charts_show() -> None:
    tables = charts.tables(stats())
    assert len(tables["sessions"].rows) == 24
    assert all(len(row) == 3 for _, row in tables["sessions"].rows)
    assert tables["start"].rows[-1][1][0].endswith("s")


def test_nothing_sampled_yet() -> None:
    empty = stats(times=[], instances={}, queue=[], start_seconds={"p50": [], "p95": []}, nodes={})
    assert charts.columns(empty)["times"] == []
    assert charts.tables(empty)["sessions"].rows == ()
    assert "nothing is sampled yet" in charts.sessions_sentence(empty)
    assert "no start" in charts.start_sentence(empty)
    summary = Overview.read(
        {**admin_double.AdminDouble().overview(), "start_seconds": {"p50": None, "p95": None, "count": 0}}
    )
    assert [card.value for card in charts.cards(summary, empty)][2] == "–"


def test_a_step_is_confirmed_as_it_was_read() -> None:
    step = Step("Declare gone", "PATCH", "/api/v1/nodes/a", {"gone": True})
    one = Concern("node-down", "a is down", None, 3, "/admin/nodes/a", step)
    other = Concern("node-down", "a is down", None, 3, "/admin/nodes/a", Step(step.label, "DELETE", step.path, None))
    assert concerns.digest(one) == concerns.digest(Concern("node-down", "words", None, 9, "/admin/nodes/a", step))
    assert concerns.digest(one) != concerns.digest(other)
    assert concerns.mark(Concern("new-thing", "x", None, 0, "", None)).word == "New thing"


def test_outcomes() -> None:
    assert (outcomes.mark("ok").tone, outcomes.mark("not-allowed").word) == ("ok", "Not allowed")


@pytest.mark.parametrize(
    ("text", "found"),
    [("", {}), ("a=1\nb", {"a": "1", "b": "true"}), ("a = x=y, c=", {"a": "x=y", "c": ""}), ("=x", {})],
)
def test_labels_as_text(text: str, found: dict[str, str]) -> None:
    errors: dict[str, str] = {}
    assert pairs(text, "labels", errors) == found
    assert bool(errors) == text.startswith("=")


def test_taints_as_text() -> None:
    errors: dict[str, str] = {}
    assert taints("online=xfm:NoStart\nmaintenance", errors) == [
        {"key": "online", "value": "xfm", "effect": "NoStart"},
        {"key": "maintenance", "value": "", "effect": "NoStart"},
    ]
    assert errors == {}
