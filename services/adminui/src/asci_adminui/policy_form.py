"""The scheduler's policy as a form, both ways. What the form does not know of the document stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Form = Mapping[str, str]
Errors = dict[str, str]

NEW = 2
"""Empty rows at the end of each list."""
_MOST_ROWS = 400
_PLAIN = {
    "weights.cpu": 1.0,
    "weights.memory": 1.0,
    "weights.gpu": 1.0,
    "weights.image": 1.0,
    "overcommit.cpus": 1.0,
    "overcommit.memory": 1.0,
    "lifetime.default_seconds": 3600.0,
    "lifetime.maximum_seconds": 3600.0,
    "starvation_seconds": 60.0,
    "drain_seconds": 60.0,
}
"""Numbers of the form, and what a unit of the field is in the document: hours and minutes shown, seconds kept."""
CALLED = {
    "strategy": "Where a session goes",
    "weights.cpu": "How much CPU counts",
    "weights.memory": "How much memory counts",
    "weights.gpu": "How much a GPU counts",
    "weights.image": "How much an image counts that is there",
    "overcommit.cpus": "CPUs promised",
    "overcommit.memory": "Memory promised",
    "lifetime.default_seconds": "How long a session lasts",
    "lifetime.maximum_seconds": "How long it is kept at most",
    "starvation_seconds": "Not overtaken after",
    "drain_seconds": "Drains, unless said",
    "quotas.default.sessions": "Sessions of everybody",
    "quotas.default.gpus": "GPUs of everybody",
}
"""What the fields are called on the page."""
_WHOLE = {"lifetime.default_seconds", "lifetime.maximum_seconds", "starvation_seconds", "drain_seconds"}


def fields(document: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the form for a document."""
    found = {"strategy": str(document.get("strategy", "spread"))}
    for name, unit in _PLAIN.items():
        value = _at(document, name)
        if value is not None:
            found[name] = f"{round(value / unit, 4):g}"
    quotas = document.get("quotas") or {}
    for kind in ("sessions", "gpus"):
        found[f"quotas.default.{kind}"] = _text((quotas.get("default") or {}).get(kind))
    for group in ("groups", "people"):
        found.update(_quota_rows(group, quotas.get(group) or {}))
    found.update(_priority_rows((document.get("priorities") or {}).get("groups") or {}))
    return found


def rows(form: Mapping[str, str], prefix: str) -> list[int]:
    """Numbers of the rows of a list that the form holds."""
    count = 0
    while f"{prefix}.{count}.name" in form and count < _MOST_ROWS:
        count += 1
    return list(range(count))


def _quota_rows(group: str, quotas: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    listed = [*sorted(quotas.items()), *[("", {})] * NEW]
    for number, (name, quota) in enumerate(listed):
        row = f"quotas.{group}.{number}"
        found |= {f"{row}.name": name, f"{row}.sessions": _text(quota.get("sessions"))}
        found[f"{row}.gpus"] = _text(quota.get("gpus"))
    return found


def _priority_rows(priorities: Mapping[str, int]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, (name, value) in enumerate([*sorted(priorities.items()), *[("", None)] * NEW]):
        found |= {f"priorities.groups.{number}.name": name, f"priorities.groups.{number}.value": _text(value)}
    return found


def document(form: Form, before: Mapping[str, Any]) -> tuple[dict[str, Any], Errors]:
    """The document that the form asks for, and a sentence for each field that cannot be read."""
    errors: Errors = {}
    wish: dict[str, Any] = {name: value for name, value in before.items() if name != "revision"}
    wish["strategy"] = form.get("strategy", "spread")
    for name, unit in _PLAIN.items():
        if name in form:
            value = _number(form[name], name, errors)
            _put(wish, name, round(value * unit) if name in _WHOLE else value)
    wish["quotas"] = {
        "default": _quota(form, "quotas.default", errors),
        **{group: _named_quotas(form, f"quotas.{group}", errors) for group in ("groups", "people")},
    }
    wish["priorities"] = {**(before.get("priorities") or {}), "groups": _priorities(form, errors)}
    return wish, errors


def _named_quotas(form: Form, prefix: str, errors: Errors) -> dict[str, Any]:
    names = {number: form.get(f"{prefix}.{number}.name", "").strip() for number in rows(form, prefix)}
    return {name: _quota(form, f"{prefix}.{number}", errors) for number, name in names.items() if name}


def _priorities(form: Form, errors: Errors) -> dict[str, int]:
    found = {}
    for number in rows(form, "priorities.groups"):
        row = f"priorities.groups.{number}"
        if name := form.get(f"{row}.name", "").strip():
            found[name] = _integer(form.get(f"{row}.value", ""), f"{row}.value", errors) or 0
    return found


def _quota(form: Form, prefix: str, errors: Errors) -> dict[str, int | None]:
    return {
        kind: _integer(form.get(f"{prefix}.{kind}", ""), f"{prefix}.{kind}", errors) for kind in ("sessions", "gpus")
    }


def _integer(text: str, name: str, errors: Errors) -> int | None:
    """Empty is None: as many as there are."""
    text = text.strip()
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        errors[name] = "A whole number."
        return None


def _number(text: str, name: str, errors: Errors) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        errors[name] = "A number, such as 1.5."
        return 0.0


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _at(document: Mapping[str, Any], name: str) -> float | None:
    value: Any = document
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return None if value is None else float(value)


def _put(document: dict[str, Any], name: str, value: Any) -> None:
    outer, _, inner = name.partition(".")
    if inner:
        document[outer] = {**(document.get(outer) or {}), inner: value}
    else:
        document[outer] = value
