"""GPUs that an engine tells of by itself. Pure.

Two ways, beside those of the registration:

* its label ``org.asci.gpus``: ``2xA100``, ``2xA100:40GiB``, ``2xA100:40GiB:4`` (count, model, memory, slots of each);
* generic resources of its configuration (``"node-generic-resources": ["NVIDIA-GPU=GPU-1a2b…"]``), which name each GPU.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from asci_api.domain.environment import GIB, MIB
from asci_api.domain.gpu_label import LABEL
from asci_api.domain.node import DeclaredGpu

MOST = 64
DRIVER_CAPABILITIES = "graphics,compute,utility,display"
"""What NVIDIA's runtime injects; its default lacks graphics, and everything would be drawn by the processor."""
_LABEL = re.compile(r"(\d{1,2})x([^:]{0,80})(?::(\d+)(MiB|GiB))?(?::(\d{1,3}))?")
_INDEX = re.compile(r".*-(\d+)")
_UNITS = {"MiB": MIB, "GiB": GIB}


def told_gpus(info: dict[str, Any]) -> tuple[DeclaredGpu, ...]:
    """From the engine's ``/info``; empty where it tells of none."""
    labels = dict(label.partition("=")[::2] for label in info.get("Labels") or ())
    return _labelled(labels.get(LABEL, "")) or tuple(_generic(info.get("GenericResources") or ()))


def has_nvidia(info: dict[str, Any]) -> bool:
    """Whether NVIDIA's runtime is there, without which a device request is refused."""
    return "nvidia" in (info.get("Runtimes") or {})


def device_of(gpu: str) -> str:
    """What the runtime calls a GPU of the ledger: its UUID, else its index."""
    found = None if gpu.startswith(("GPU-", "MIG-")) else _INDEX.fullmatch(gpu)
    return found[1] if found else gpu


def _labelled(text: str) -> tuple[DeclaredGpu, ...]:
    found = _LABEL.fullmatch(text.strip())
    if found is None or not 1 <= int(found[1]) <= MOST:
        return ()
    memory = int(found[3]) * _UNITS[found[4]] if found[3] else 0
    return (DeclaredGpu(found[2].strip(), memory, max(int(found[5] or 1), 1)),) * int(found[1])


def _generic(resources: Iterable[dict[str, Any]]) -> Iterable[DeclaredGpu]:
    for resource in resources:
        named = resource.get("NamedResourceSpec") or {}
        if "GPU" in str(named.get("Kind", "")).upper():
            yield DeclaredGpu(model=str(named["Kind"]), uuid=str(named.get("Value", "")))
