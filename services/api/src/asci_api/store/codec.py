"""Domain objects to JSON and back.

Exact: ``decode(type(thing), encode(thing)) == thing`` for every frozen dataclass of the domain. Fields that a newer
version wrote are ignored, fields that an older one did not know take their defaults.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Thing = TypeVar("Thing")
Step = Callable[[Any], Any]


def encode(thing: object) -> str:
    """A dataclass, or a sequence of them, as compact JSON."""
    return dump(plain(thing))


def decode(kind: type[Thing], text: str | bytes) -> Thing:
    """Read one back. Raises ValueError, KeyError or TypeError when the text is not such a thing."""
    return build(kind, json.loads(text))


def decode_all(kind: type[Thing], text: str | bytes) -> list[Thing]:
    """Read a sequence back."""
    return [build(kind, value) for value in json.loads(text)]


def dump(value: object) -> str:
    """Plain values as compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def plain(thing: object) -> Any:
    """What JSON knows: dicts of fields, lists, texts, numbers."""
    if isinstance(thing, Sequence) and not isinstance(thing, str):
        return [plain(part) for part in thing]
    kind: Any = type(thing)
    return _writer(kind)(thing)


def build(kind: type[Thing], value: dict[str, Any]) -> Thing:
    """The dataclass from what JSON gave."""
    key: Any = kind
    made: Thing = _reader(key)(value)
    return made


@cache
def _writer(kind: Hashable) -> Step:
    step = _write_step(kind)
    return _same if step is None else step


@cache
def _reader(kind: Hashable) -> Step:
    step = _read_step(kind)
    return _same if step is None else step


def _same(value: Any) -> Any:
    return value


def _write_step(kind: Any) -> Step | None:
    """How a value of this type becomes plain; None where it is already (texts, numbers, dicts of texts, StrEnums)."""
    if is_dataclass(kind):
        return _write_fields(kind)
    inner = _optional(kind)
    if inner is not None:
        step = _write_step(inner)
        return step and (lambda value: None if value is None else step(value))
    if get_origin(kind) is tuple:
        part = _write_step(get_args(kind)[0])
        return part and (lambda value: [part(one) for one in value])
    if get_origin(kind) is dict:
        one = _write_step(get_args(kind)[1])
        return one and (lambda value: {name: one(each) for name, each in value.items()})
    return None


def _write_fields(kind: Any) -> Step:
    hints = get_type_hints(kind)
    steps = [(field.name, _write_step(hints[field.name])) for field in fields(kind)]

    def write(value: Any) -> dict[str, Any]:
        return {name: getattr(value, name) if step is None else step(getattr(value, name)) for name, step in steps}

    return write


def _read_step(kind: Any) -> Step | None:
    """How a plain value becomes one of this type; None where it is one already."""
    if is_dataclass(kind):
        return _read_fields(kind)
    inner = _optional(kind)
    if inner is not None:
        step = _read_step(inner)
        return step and (lambda value: None if value is None else step(value))
    if get_origin(kind) is tuple:
        return _read_tuple(get_args(kind))
    if get_origin(kind) is dict:
        one = _read_step(get_args(kind)[1])
        return one and (lambda value: {name: one(each) for name, each in value.items()})
    return kind if isinstance(kind, type) and issubclass(kind, Enum) else None


def _read_tuple(parts: tuple[Any, ...]) -> Step:
    """``tuple[X, ...]``, or ``tuple[X, Y]`` whose parts are plain."""
    step = _read_step(parts[0]) if parts[-1] is Ellipsis else None
    return tuple if step is None else (lambda value: tuple([step(one) for one in value]))


def _read_fields(kind: Any) -> Step:
    hints = get_type_hints(kind)
    known = frozenset(hints)
    steps = [(name, step) for name, hint in hints.items() if (step := _read_step(hint)) is not None]

    def read(value: dict[str, Any]) -> Any:
        if type(value) is not dict:
            raise TypeError(f"no fields of {kind.__name__}: {type(value).__name__}")
        given = {name: one for name, one in value.items() if name in known}
        for name, step in steps:
            if name in given:
                given[name] = step(given[name])
        return kind(**given)

    return read


def _optional(kind: Any) -> Any | None:
    """X of ``X | None``."""
    if get_origin(kind) not in {Union, UnionType}:
        return None
    return next(part for part in get_args(kind) if part is not NoneType)
