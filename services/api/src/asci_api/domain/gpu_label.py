"""GPUs of an instance as its container's label tells them, so that the ledger outlives every record. Pure.

``exclusive:GPU-1a,GPU-2b`` or ``shared:lab-0``.
"""

from __future__ import annotations

from dataclasses import dataclass

LABEL = "org.asci.gpus"
_EXCLUSIVE, _SHARED = "exclusive", "shared"


@dataclass(frozen=True, slots=True)
class LabelledGpus:
    """Ids, and whether they are its own."""

    ids: tuple[str, ...] = ()
    exclusive: bool = False

    def __str__(self) -> str:
        return f"{_EXCLUSIVE if self.exclusive else _SHARED}:{','.join(self.ids)}"


def read_gpus(label: str) -> LabelledGpus:
    """What a label tells; none for one that cannot be read."""
    share, colon, ids = label.partition(":")
    if not colon or share not in {_EXCLUSIVE, _SHARED}:
        return LabelledGpus()
    return LabelledGpus(tuple(each for each in ids.split(",") if each), share == _EXCLUSIVE)
