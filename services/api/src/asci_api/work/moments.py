"""Times on the wire: RFC 3339, UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def moment(at: float) -> str: ...
@overload
def moment(at: None) -> None: ...
def moment(at: float | None) -> str | None:
    """Seconds since the epoch as ``2026-11-23T13:52:00.250Z``; None stays None."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
