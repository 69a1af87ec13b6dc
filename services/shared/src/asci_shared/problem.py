"""Errors on the wire: RFC 9457 problem details (``application/problem+json``)."""

from __future__ import annotations

from dataclasses import dataclass, field

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """One error as every ASCI service tells it: a slug, a sentence, and what to do next. Holds no secret."""

    status: int
    """HTTP status code."""
    slug: str
    """Constant name for programs, such as ``not-found``; the document's ``type`` is ``/problems/{slug}``."""
    title: str
    """What happened, in one sentence."""
    detail: str = ""
    """Which thing, and why."""
    next_step: str = ""
    """What the person can do."""
    facts: dict[str, object] = field(default_factory=dict)
    """Further members of the document."""

    def document(self, request_id: str) -> dict[str, object]:
        """The JSON object to send."""
        members: dict[str, object] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "next_step": self.next_step,
            "request_id": request_id,
        }
        return {**self.facts, **{name: value for name, value in members.items() if value != ""}}
