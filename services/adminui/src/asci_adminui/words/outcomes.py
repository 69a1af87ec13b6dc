"""Outcomes of the audit."""

from __future__ import annotations

from asci_shared.web.words.marks import Mark

_GOOD = {"ok", "done", "success", "allowed"}


def mark(outcome: str) -> Mark:
    """Done is good; everything else is told as it is named (a refusal's slug)."""
    if outcome in _GOOD:
        return Mark("ok", "check", "Done")
    return Mark("bad", "circle-x", outcome.replace("-", " ").capitalize() or "Unknown")
