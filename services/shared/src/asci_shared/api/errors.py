"""What can go wrong when the API is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ApiProblem(Exception):
    """The API answered with an error (RFC 9457)."""

    status: int
    slug: str
    """Constant name, the last part of the document's ``type``."""
    title: str
    detail: str = ""
    next_step: str = ""
    request_id: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    """Members beyond the standard ones, such as ``reasons`` or ``fields``."""

    def __str__(self) -> str:
        return f"{self.status} {self.slug}: {self.title}"


class SignedOut(ApiProblem):
    """The token is missing or dead (401 ``signed-out``)."""

    @property
    def reason(self) -> str:
        """``idle`` (not used for too long), ``ended`` (its time is over or it was ended) or ``unknown``."""
        return str(self.facts.get("reason", "unknown"))


class ApiAway(Exception):
    """The API did not answer, or with nothing that is of the API. Nobody's desktop is touched by that."""


_STANDARD = {"type", "title", "status", "detail", "next_step", "request_id", "instance"}


def problem_from(status: int, document: dict[str, Any]) -> ApiProblem:
    """The exception for a problem document; :class:`SignedOut` for its slug."""
    slug = str(document.get("type", "")).rsplit("/", 1)[-1] or "unknown"
    kind = SignedOut if slug == "signed-out" else ApiProblem
    return kind(
        status=status,
        slug=slug,
        title=str(document.get("title", "The request failed.")),
        detail=str(document.get("detail", "")),
        next_step=str(document.get("next_step", "")),
        request_id=str(document.get("request_id", "")),
        facts={name: value for name, value in document.items() if name not in _STANDARD},
    )
