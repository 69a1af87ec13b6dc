"""Label selectors in Kubernetes' syntax, such as ``gpu, beamline in (xfm, imbl), zone!=b``. Pure.

=======================  ================================================
requirement              a node matches when
=======================  ================================================
``key``                  it has the label
``!key``                 it does not have the label
``key=a`` ``key==a``     the label is ``a``
``key!=a``               the label is not ``a``, or is not there
``key in (a, b)``        the label is one of these
``key notin (a, b)``     the label is none of these, or is not there
``key>5`` ``key<5``      the label is a whole number above, below
=======================  ================================================

All requirements, separated by commas, must hold; the empty selector matches every node.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from asci_api.domain.errors import InvalidInput

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z0-9_./-]+)|(?P<sign>==|!=|[=!<>(),]))")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"(?:[a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_NAME}")
_VALUE = re.compile(rf"(?:{_NAME})?")
_WHOLE = re.compile(r"-?\d+")
_END = ""


class Operator(StrEnum):
    """What a requirement asks of its label."""

    EXISTS = "exists"
    ABSENT = "!"
    IN = "in"
    NOT_IN = "notin"
    ABOVE = ">"
    BELOW = "<"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One part of a selector."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case Operator.EXISTS:
                return value is not None
            case Operator.ABSENT:
                return value is None
            case Operator.IN:
                return value is not None and value in self.values
            case Operator.NOT_IN:
                return value is None or value not in self.values
        if value is None or not _WHOLE.fullmatch(value):
            return False
        return int(value) > int(self.values[0]) if self.operator is Operator.ABOVE else int(value) < int(self.values[0])

    def __str__(self) -> str:
        """The requirement in its own syntax."""
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.ABSENT:
                return f"!{self.key}"
            case Operator.IN if len(self.values) == 1:
                return f"{self.key}={self.values[0]}"
            case Operator.NOT_IN if len(self.values) == 1:
                return f"{self.key}!={self.values[0]}"
            case Operator.IN | Operator.NOT_IN:
                return f"{self.key} {self.operator} ({', '.join(self.values)})"
        return f"{self.key}{self.operator}{self.values[0]}"


@dataclass(frozen=True, slots=True)
class Selector:
    """All of these must hold."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    def unmet(self, labels: Mapping[str, str]) -> list[Requirement]:
        """The requirements that do not hold."""
        return [requirement for requirement in self.requirements if not requirement.matches(labels)]

    def asks_for(self, key: str, value: str) -> bool:
        """Whether it names the label ``key`` and accepts ``value`` there: the way to tolerate a taint of that name."""
        positive = (Operator.EXISTS, Operator.IN)
        return any(r.key == key and r.operator in positive and r.matches({key: value}) for r in self.requirements)

    def __str__(self) -> str:
        return ", ".join(str(requirement) for requirement in self.requirements)


@lru_cache(maxsize=1024)
def parse(text: str) -> Selector:
    """Read a selector. Raises ``InvalidInput`` whose title says what was expected, and where."""
    return _Reader(text).selector()


class _Reader:
    """Reads one selector from left to right, one token ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._start = 0
        self._token = _END
        self._is_word = False
        self._advance()

    def selector(self) -> Selector:
        if self._token == _END:
            return Selector()
        requirements = [self._requirement()]
        while self._token == ",":
            self._advance()
            requirements.append(self._requirement())
        if self._token != _END:
            raise self._expected("a comma or the end")
        return Selector(tuple(requirements))

    def _requirement(self) -> Requirement:
        if self._token == "!":
            self._advance()
            return Requirement(self._key(), Operator.ABSENT)
        key = self._key()
        if self._token in {",", _END}:
            return Requirement(key, Operator.EXISTS)
        sign = self._token
        if sign not in {"=", "==", "!=", "in", "notin", ">", "<"}:
            raise self._expected("one of = == != in notin > < , or the end")
        self._advance()
        match sign:
            case "=" | "==":
                return Requirement(key, Operator.IN, (self._value(),))
            case "!=":
                return Requirement(key, Operator.NOT_IN, (self._value(),))
            case ">" | "<":
                return Requirement(key, Operator(sign), (self._whole_number(),))
        return Requirement(key, Operator(sign), self._set())

    def _key(self) -> str:
        if not self._is_word or not _KEY.fullmatch(self._token):
            raise self._expected("a label's name")
        return self._take()

    def _value(self) -> str:
        if self._token in {",", ")", _END}:
            return ""
        if not self._is_word or not _VALUE.fullmatch(self._token):
            raise self._expected("a label's value")
        return self._take()

    def _whole_number(self) -> str:
        if not _WHOLE.fullmatch(self._token):
            raise self._expected("a whole number")
        return self._take()

    def _set(self) -> tuple[str, ...]:
        if self._token != "(":
            raise self._expected("an opening parenthesis")
        self._advance()
        values = [self._value()]
        while self._token == ",":
            self._advance()
            values.append(self._value())
        if self._token != ")":
            raise self._expected("a comma or a closing parenthesis")
        self._advance()
        return tuple(values)

    def _take(self) -> str:
        token = self._token
        self._advance()
        return token

    def _advance(self) -> None:
        rest = self._text[self._at :]
        self._start = self._at + len(rest) - len(rest.lstrip())
        if not rest.strip():
            self._token, self._is_word, self._at = _END, False, len(self._text)
            return
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            self._token, self._is_word = self._text[self._start], False
            raise self._expected("a label's name, a value or a sign")
        self._token, self._is_word = found["word"] or found["sign"], found["word"] is not None
        self._at = found.end()

    def _expected(self, what: str) -> InvalidInput:
        found = "the end" if self._token == _END else f"“{self._token}”"
        problem = f"expected {what} at character {self._start + 1}, found {found}"
        return InvalidInput(
            f"The selector “{self._text}” cannot be read: {problem}.",
            next_step="An example that works: gpu, beamline in (xfm, imbl), zone!=b",
            fields={"selector": [problem]},
        )
