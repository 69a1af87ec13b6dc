"""The catalogue as administrators read it."""

from __future__ import annotations

from asci_shared.api.cluster import CatalogueEntry
from asci_shared.web.words.marks import Mark
from asci_shared.web.words.numbers import counted, size

KINDS = {"desktop": "Desktop", "web": "Web application", "service": "Service"}


def mark(entry: CatalogueEntry) -> Mark:
    """Whether it can be started."""
    if not entry.enabled:
        return Mark("calm", "circle-pause", "Switched off")
    if entry.problems:
        return Mark("wait", "triangle-alert", "Problem")
    return Mark("ok", "dot", "On")


def who(entry: CatalogueEntry) -> str:
    """``Everybody``, or names of groups and people."""
    if not entry.restricted:
        return "Everybody"
    return ", ".join([*(f"group {name}" for name in entry.groups), *entry.people])


def needs(entry: CatalogueEntry) -> str:
    """``4 cores, 16 GB, 1 GPU``."""
    gpu = entry.needs.gpu
    words = [counted(entry.needs.cpus, "core", "cores"), size(entry.needs.memory)]
    if gpu:
        words.append("a share of a GPU" if gpu.mode == "shared" else counted(gpu.count, "GPU", "GPUs"))
    return ", ".join(words)
