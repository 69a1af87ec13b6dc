"""What needs an admin. Pure."""

from __future__ import annotations

KINDS = ("node-down", "node-draining", "queue", "failures", "disk", "leader", "copy")
