"""The audit as admins read it: filters, pages, CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from asci_api.domain.audit import AuditEntry
from tests.support.api_lab import ApiLab

CSV = {"Accept": "text/csv"}


def write(lab: ApiLab, number: int, **facts: object) -> None:
    standard = {"who": "demo", "what": "instance.stop", "target": f"inst{number:06}", "outcome": "ok"}
    given = {**standard, **facts}
    lab.memory.audit.record(
        AuditEntry(at=lab.clock() + number, address="192.0.2.7", request_id="r" * 32, **given)  # type: ignore[arg-type]
    )


def time_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def targets(lab: ApiLab, query: str) -> list[str]:
    return [one["target"] for one in lab.visitor("admin").get(f"/audit?{query}").json["items"]]


def test_a_line_says_who_what_when_where_with_which_outcome(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    (deed,) = lab.visitor("admin").get("/audit").json["items"]
    assert deed == {
        "id": "1-0",
        "at": "2027-01-15T08:00:00.000Z",
        "actor": "demo",
        "action": "instance.start",
        "target": one,
        "instance": one,
        "address": "127.0.0.1",
        "outcome": "ok",
        "detail": "environment: desktop; image: sha256:desktop",
        "request_id": deed["request_id"],
    }


def test_what_was_not_started_is_no_instance(lab: ApiLab) -> None:
    write(lab, 1, what="instance.start", target="matlab2026", outcome="quota-reached")
    write(lab, 2, what="node.drain", target="node1")
    found = lab.visitor("admin").get("/audit").json["items"]
    assert [(one["target"], one["instance"]) for one in found] == [("node1", None), ("matlab2026", None)]


def test_filters(lab: ApiLab) -> None:
    write(lab, 1)
    write(lab, 2, who="jun")
    write(lab, 3, what="node.drain", target="node1")
    write(lab, 4, outcome="not-allowed")
    now = lab.clock()
    assert targets(lab, "actor=jun") == ["inst000002"]
    assert targets(lab, "action=node") == ["node1"]
    assert targets(lab, "action=instance.stop&outcome=ok") == ["inst000002", "inst000001"]
    assert targets(lab, "target=node1") == ["node1"]
    assert targets(lab, "instance=inst000004") == ["inst000004"]
    assert targets(lab, f"from={time_of(now + 2)}&to={time_of(now + 3)}") == ["node1", "inst000002"]
    assert targets(lab, f"from={time_of(now + 9)}") == []


def test_pages(lab: ApiLab) -> None:
    for number in range(7):
        write(lab, number)
    admin, seen, query = lab.visitor("admin"), [], "limit=3"
    while True:
        reply = admin.get(f"/audit?{query}").json
        seen += [one["target"] for one in reply["items"]]
        if reply["next_cursor"] is None:
            break
        query = f"limit=3&cursor={reply['next_cursor']}"
    assert seen == [f"inst{number:06}" for number in reversed(range(7))]


@pytest.mark.parametrize("cursor", ["x", "WyJ4Il0", "WzFd", "WyIxLTAnIl0"])
def test_a_cursor_that_we_did_not_give(lab: ApiLab, cursor: str) -> None:
    assert lab.visitor("admin").get(f"/audit?cursor={cursor}").slug == "invalid-input"


@pytest.mark.parametrize("query", ["from=yesterday", "to=1", "who=demo", "limit=0"])
def test_what_cannot_be_asked(lab: ApiLab, query: str) -> None:
    assert lab.visitor("admin").get(f"/audit?{query}").slug == "invalid-input"


def test_all_rows_as_csv(lab: ApiLab) -> None:
    for number in range(1201):
        write(lab, number, who="jun" if number % 2 else "demo")
    reply = lab.visitor("admin").get("/audit?actor=jun", headers=CSV)
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    head, *rows = csv.reader(io.StringIO(reply.text))
    assert head == [
        *("id", "at", "actor", "action", "target", "instance", "address", "outcome", "detail", "request_id"),
    ]
    assert len(rows) == 600
    assert {row[2] for row in rows} == {"jun"}
    assert rows[0][4] == "inst001199"


def test_nothing_found_is_a_head_without_rows(lab: ApiLab) -> None:
    assert lab.visitor("admin").get("/audit?actor=nobody", headers=CSV).text.count("\r\n") == 1


def test_what_people_typed_is_no_formula(lab: ApiLab) -> None:
    write(lab, 1, target='=HYPERLINK("http://evil")', what="share.give")
    _, row = csv.reader(io.StringIO(lab.visitor("admin").get("/audit", headers=CSV).text))
    assert row[4] == '\'=HYPERLINK("http://evil")'


def test_csv_is_an_error_where_the_audit_cannot_be_read(lab: ApiLab) -> None:
    admin = lab.visitor("admin")
    lab.memory.state.data.sentinel = None
    reply = admin.get("/audit", headers=CSV)
    assert (reply.status, reply.slug) == (503, "restoring")


def test_scientists_read_none_of_it(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    assert demo.get("/audit").status == 403
    assert demo.get("/audit", headers=CSV).status == 403
