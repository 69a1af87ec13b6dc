"""The audit: who did what to what, when, from where, with which outcome."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from asci_api.domain.audit import AuditEntry, AuditFilter
from asci_api.http import answered_cluster, asked_cluster, paging
from asci_api.http.call import Answer, Call, Json
from asci_api.http.operation import Outcome, operation
from asci_api.work.find_nodes import must_be_admin
from asci_api.work.moments import moment

TAG = "Audit"
CSV = "text/csv"
COLUMNS = ("id", "at", "actor", "action", "target", "instance", "address", "outcome", "detail", "request_id")
ROWS = 500
"""Rows of CSV that are sent at once."""
_LINE = re.compile(r"\d{1,15}-\d{1,15}")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@operation(
    "GET",
    "/audit",
    tag=TAG,
    query=asked_cluster.AuditQuery,
    outcomes={200: Outcome("Newest first.", answered_cluster.Deeds, other=CSV)},
    problems=(403,),
    headers={"Accept": "`text/csv` for all rows of the filter as CSV, as they are read."},
)
def list_audit(call: Call) -> Answer:
    """Who did what to what, when, from where, with which outcome (admins)."""
    must_be_admin(call.caller)
    wanted = _filter(call.query)
    if CSV in call.headers.get("Accept", ""):
        rows = _as_csv(call.desk.audit.each(wanted))
        return Answer(stream=rows, content_type=f"{CSV}; charset=utf-8", headers={"Cache-Control": "no-store"})
    limit = call.query["limit"]
    found = call.desk.audit.find(wanted, after=_after(call.query["cursor"]), limit=limit + 1)
    shown = found[:limit]
    cursor = paging.encode((shown[-1].id,)) if len(found) > limit else None
    return Answer({"items": [_deed(entry) for entry in shown], "next_cursor": cursor})


def _filter(query: Any) -> AuditFilter:
    return AuditFilter(
        who=query["actor"],
        what=query["action"],
        target=query["target"],
        instance=query["instance"],
        outcome=query["outcome"],
        since=_at(query["begin"]),
        until=_at(query["to"]),
    )


def _at(given: datetime | None) -> float | None:
    return None if given is None else given.timestamp()


def _after(cursor: str) -> str:
    if not cursor:
        return ""
    line = str(paging.decode(cursor)[0])
    if not _LINE.fullmatch(line):
        raise paging.bad_cursor()
    return line


def _deed(entry: AuditEntry) -> Json:
    return {
        "id": entry.id,
        "at": moment(entry.at),
        "actor": entry.who,
        "action": entry.what,
        "target": entry.target,
        "instance": entry.instance or None,
        "address": entry.address,
        "outcome": entry.outcome,
        "detail": entry.detail,
        "request_id": entry.request_id,
    }


def _as_csv(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """RFC 4180, in pieces of some :data:`ROWS` rows; the first is read before anything is sent, so that what cannot be
    read is an error and no empty file."""
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(COLUMNS)
    for number, entry in enumerate(entries, 1):
        deed = _deed(entry)
        sheet.writerow([_cell(deed[name]) for name in COLUMNS])
        if number % ROWS == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _cell(value: str | None) -> str:
    """What a person typed is no formula of a spreadsheet."""
    text = value or ""
    return f"'{text}" if text.startswith(_FORMULA) else text


OPERATIONS = (list_audit,)
