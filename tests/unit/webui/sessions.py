"""Sessions to begin tests of words with."""

from __future__ import annotations

from typing import Any

from asci_shared.api.models import Instance

WHOLE: dict[str, Any] = {
    "id": "k3v9x2mq",
    "revision": 7,
    "owner": {"username": "mara", "name": "Mara Lindqvist"},
    "environment": {"name": "desktop", "title": "Linux desktop", "icon": "monitor"},
    "kind": "desktop",
    "title": "Tomography, 24117",
    "state": "running",
    "node": "gpu-07",
    "created_at": "2026-11-24T08:00:00Z",
    "my_access": "owner",
}


def session(**facts: Any) -> Instance:
    """The whole one with other facts."""
    return Instance.read({**WHOLE, **facts})


def progress(
    step: int = 2, percent: int | None = None, message: str = "", usual: float | None = None
) -> dict[str, Any]:
    """A progress at ``step`` of four."""
    return {"step": step, "of": 4, "percent": percent, "message": message, "seconds": 9.1, "usual_seconds": usual}
