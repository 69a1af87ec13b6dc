"""What forms and addresses carry, read once and the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import request

from asci_shared.api.errors import ApiProblem

PAGE = 100
"""Rows of a table."""


def kept(names: Iterable[str], longest: int = 100) -> dict[str, str]:
    """The filters that the address carries, empty ones left out."""
    given = ((name, request.args.get(name, "").strip()[:longest]) for name in names)
    return {name: value for name, value in given if value}


def address(path: str, query: Mapping[str, str | int], **more: str | int) -> str:
    """Path, filters, and the place in the list."""
    wanted = {name: value for name, value in {**query, **more}.items() if value not in {"", 0}}
    return f"{path}?{urlencode(wanted)}" if wanted else path


def told(problem: ApiProblem) -> dict[str, str]:
    """A refusal's sentences by field, inner ones as ``weights.cpu`` and once more under the outer name; under the
    empty name what is of no field."""
    found = {_plain(name): sentence for name, sentence in _flat("", problem.facts.get("fields") or {})}
    for name, sentence in list(found.items()):
        found.setdefault(name.split(".")[0], sentence)
    return found or {"": f"{problem.title} {problem.detail}".strip()}


def _plain(name: str) -> str:
    """Without the words that stand for "the value of a dictionary"."""
    return ".".join(part for part in name.split(".") if part not in {"value", "key"})


def _flat(name: str, value: Any) -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        for inner, one in value.items():
            yield from _flat(f"{name}.{inner}" if name else str(inner), one)
    elif isinstance(value, list):
        yield name, " ".join(str(one) for one in value)
    else:
        yield name, str(value)
