"""The mark of a session's state: always icon, word and colour together."""

from __future__ import annotations

from dataclasses import dataclass

from asci_shared.api.models import Instance


@dataclass(frozen=True, slots=True)
class Mark:
    """The pill: a tone of colour, an icon (``dot`` and ``spinner`` are drawn), a word."""

    tone: str
    icon: str
    word: str


STATES = {
    "queued": Mark("wait", "hourglass", "In the queue"),
    "placed": Mark("accent", "spinner", "Starting"),
    "pulling": Mark("accent", "spinner", "Starting"),
    "starting": Mark("accent", "spinner", "Starting"),
    "running": Mark("ok", "dot", "Running"),
    "stopping": Mark("calm", "spinner", "Stopping"),
    "stopped": Mark("calm", "circle-stop", "Ended"),
    "failed": Mark("bad", "circle-x", "Did not start"),
    "lost": Mark("bad", "unplug", "Node lost"),
}


def mark(instance: Instance) -> Mark:
    """The state's pill. A failure after the session had run is not one of starting."""
    if instance.state == "failed" and instance.running_at is not None:
        return Mark("bad", "circle-x", "Failed")
    return STATES.get(instance.state, Mark("calm", "circle-stop", instance.state.capitalize()))
