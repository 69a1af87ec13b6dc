"""One operation of the API: its route, what it takes and answers, and its handler. Routes and document come from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from marshmallow import Schema

from asci_api.http.call import Answer, Call

Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer that is no error."""

    sentence: str
    schema: type[Schema] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header -> what it says."""
    other: str = ""
    """Another content type that it may come as, as text."""


@dataclass(frozen=True, slots=True)
class Operation:
    """See :func:`operation`."""

    method: str
    path: str
    """Below ``/api/v1``, with parameters as ``{name}``."""
    handler: Handler
    summary: str
    tag: str
    outcomes: Mapping[int, Outcome]
    problems: tuple[int, ...]
    """Statuses of errors that are its own; those of every operation are added."""
    body: type[Schema] | None = None
    query: type[Schema] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Request headers that it understands -> what they say."""
    open: bool = False
    """Needs no sign-in."""
    tagged: bool = False
    """Answers with an ETag, and 304 to its repetition."""
    may_be_empty: bool = False
    """A request without body is one with an empty object."""

    @property
    def name(self) -> str:
        """Unique; the operationId of the document."""
        return self.handler.__name__


def operation(
    method: str,
    path: str,
    *,
    tag: str,
    outcomes: Mapping[int, Outcome],
    problems: tuple[int, ...] = (),
    body: type[Schema] | None = None,
    query: type[Schema] | None = None,
    headers: Mapping[str, str] | None = None,
    open: bool = False,  # noqa: A002 -- "an open operation" is the word
    tagged: bool = False,
    may_be_empty: bool = False,
) -> Callable[[Handler], Operation]:
    """Make a handler an operation; its docstring's first line is the summary."""

    def make(handler: Handler) -> Operation:
        summary = (handler.__doc__ or "").strip().splitlines()[0].rstrip(".")
        return Operation(
            method,
            path,
            handler,
            summary,
            tag,
            outcomes,
            problems,
            body,
            query,
            headers or {},
            open,
            tagged,
            may_be_empty,
        )

    return make
