"""What needs attention: its pill, its button, its name."""

from __future__ import annotations

import hashlib
import json

from asci_shared.api.cluster import Concern
from asci_shared.web.words.marks import Mark

_MARKS = {
    "node-down": Mark("bad", "circle-x", "Down"),
    "node-draining": Mark("wait", "hourglass", "Draining"),
    "queue": Mark("wait", "hourglass", "Queue"),
    "failures": Mark("bad", "circle-x", "Failures"),
    "disk": Mark("wait", "hard-drive", "Disk"),
    "leader": Mark("bad", "circle-x", "Controller"),
    "copy": Mark("wait", "database", "Copy"),
}
_BUTTONS = {
    "node-down": "Open node",
    "node-draining": "Open node",
    "queue": "Explain",
    "failures": "Show them",
    "disk": "Open node",
}


def mark(concern: Concern) -> Mark:
    """The pill."""
    return _MARKS.get(concern.kind, Mark("wait", "triangle-alert", concern.kind.replace("-", " ").capitalize()))


def button(concern: Concern) -> str:
    """What the link to it is called."""
    return _BUTTONS.get(concern.kind, "Look")


def digest(concern: Concern) -> str:
    """Names a concern with its step, so that what is confirmed is what was read."""
    step = concern.action
    words = [concern.kind, concern.link, *([step.method, step.path, json.dumps(step.body)] if step else [])]
    return hashlib.blake2b("\0".join(words).encode(), digest_size=8).hexdigest()
