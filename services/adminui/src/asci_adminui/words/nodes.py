"""What a node's state is called, and its news in one line."""

from __future__ import annotations

import re
from datetime import datetime

from markupsafe import Markup

from asci_shared.api.cluster import Deed, Node
from asci_shared.web.words.marks import Mark
from asci_shared.web.words.numbers import clock, utc

STATES = {
    "active": Mark("ok", "dot", "Active"),
    "cordoned": Mark("calm", "circle-pause", "Cordoned"),
    "draining": Mark("wait", "hourglass", "Draining"),
    "down": Mark("bad", "circle-x", "Down"),
}
_GONE = Mark("bad", "unplug", "Gone")
_RANK = {"down": 0, "draining": 1}


def mark(node: Node) -> Mark:
    """The state's pill."""
    if node.gone:
        return _GONE
    return STATES.get(node.state, Mark("calm", "circle-pause", node.state.capitalize()))


def at(time: datetime, show: str = "day") -> Markup:
    """A time that the script writes in the reader's own zone."""
    return Markup('<time datetime="{}" data-show="{}">{}</time>').format(utc(time), show, clock(time))


def news(node: Node, cordon: str = "") -> Markup:
    """One line under the name: what is wrong or going on; empty on a quiet day.

    ``cordon`` says who took it out, and why: see :func:`cordon_note`."""
    if node.gone:
        return Markup("Declared gone. It may be removed.")
    if node.state == "down":
        since = Markup(" since ") + at(node.down_since, "short") if node.down_since else Markup("")
        return Markup("No answer{}").format(since) + (f": {node.error}" if node.error else "")
    if node.error:
        return Markup("{}").format(node.error)
    if node.state == "draining":
        return _draining(node)
    return Markup("{}").format(cordon if node.state == "cordoned" else "")


def _draining(node: Node) -> Markup:
    if node.allocated.instances == 0:
        return Markup("Empty: nothing runs on it any more")
    if node.drain and node.drain.deadline:
        return Markup("Empty by ") + at(node.drain.deadline, "short")
    return Markup("{}").format(
        f"Waits until it is empty: {reason}" if (reason := _reason(node)) else "Waits until it is empty"
    )


def _reason(node: Node) -> str:
    return node.drain.reason if node.drain else ""


_GIVEN = re.compile(r"\breason: ([^;]*)")


def cordon_note(deed: Deed) -> str:
    """``Cordoned by ada: Disk``, from the audit's line about it."""
    found = _GIVEN.search(deed.detail)
    return f"Cordoned by {deed.actor}{': ' + found[1].strip() if found else ''}"


def takes_new(node: Node) -> bool:
    """Whether new sessions may come to it."""
    return node.state == "active" and not node.gone


def labels(node: Node) -> list[str]:
    """Labels as chips: ``gpu`` where the value says nothing, else ``zone=b``; the engine's own among them."""
    return [name if value in {"", "true", "yes", "1"} else f"{name}={value}" for name, value in node.labels.items()]


def fits(node: Node, text: str, state: str) -> bool:
    """Whether a search finds it: every word in name, labels, taints or address."""
    hay = " ".join((node.name, node.url, *labels(node), *(taint.text for taint in node.taints))).lower()
    return (not state or node.state == state) and all(word in hay for word in text.lower().split())


def by_need(node: Node) -> tuple[int, str]:
    """Sorts what needs somebody to the front, then by name."""
    return _RANK.get(node.state, 2), node.name


def gpu_boxes(node: Node) -> list[str]:
    """One word a GPU: ``taken``, ``part`` or ``free``; of the number alone where the ledger is not told."""
    if node.gpus:
        return ["taken" if gpu.used >= 1 else "part" if gpu.used > 0 else "free" for gpu in node.gpus]
    used = min(node.allocated.gpus, node.capacity.gpus)
    return ["taken"] * used + ["free"] * (node.capacity.gpus - used)
