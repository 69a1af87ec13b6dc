"""A node as the API tells it."""

from __future__ import annotations

import json
from typing import Any

from asci_api.domain.node import Drain, Gpu, Node, NodeImage, NodeOverlay, Overcommit, Resources, Taint
from asci_api.domain.policy import Policy
from asci_api.work.moments import moment

Json = dict[str, Any]


def present_node(node: Node, overlay: NodeOverlay, policy: Policy) -> Json:
    """The JSON object of a node. ``overlay`` is what admins decided, shown beside what came of it."""
    overcommit = node.overcommit or Overcommit(policy.cpu_overcommit, policy.memory_overcommit)
    return {
        "name": node.name,
        "url": node.url,
        "publish": node.publish,
        "labels": dict(node.labels),
        "engine_labels": dict(node.engine_labels),
        "overlay": {"labels": dict(overlay.labels), "removed_labels": list(overlay.removed)},
        "taints": [present_taint(taint) for taint in node.taints],
        "state": str(node.state),
        "wanted": str(node.wanted),
        "drain": _drain(node.drain) if node.drain else None,
        "capacity": _resources(node.capacity, gpus=len(node.gpus)),
        "allocated": {**_resources(node.allocated, gpus=sum(not gpu.whole for gpu in node.gpus)), **_count(node)},
        "overcommit": {"cpus": overcommit.cpus, "memory": overcommit.memory},
        "gpus": [_gpu(gpu) for gpu in node.gpus],
        "disk": {"total": node.disk.total, "free": node.disk.free} if node.disk else None,
        "load": {"cpu_percent": round(node.load.cpu_percent, 1), "memory_used": node.load.memory_used}
        if node.load
        else None,
        "engine": {"version": node.engine_version, "api": node.engine_api},
        "images": [_image(image) for image in node.images],
        "last_seen": moment(node.last_seen) if node.last_seen else None,
        "down_since": moment(node.down_since),
        "gone": node.gone,
        "error": node.error or None,
        "source": str(node.source),
    }


def present_taint(taint: Taint) -> Json:
    return {"key": taint.key, "value": taint.value, "effect": taint.effect}


def _count(node: Node) -> Json:
    return {"instances": node.instances}


def _drain(drain: Drain) -> Json:
    return {
        "deadline": moment(drain.deadline),
        "reason": drain.reason,
        "by": drain.by,
        "since": moment(drain.since),
    }


def _resources(amount: Resources, gpus: int) -> Json:
    return {"cpus": amount.cpus, "memory": amount.memory, "gpus": gpus}


def _gpu(gpu: Gpu) -> Json:
    return {
        "index": gpu.index,
        "uuid": gpu.id,
        "model": gpu.model,
        "memory": gpu.memory,
        "slots": gpu.slots,
        "mode": gpu.mode,
        "used_slots": gpu.slots if gpu.taken else gpu.sharers,
        "instances": list(gpu.instances),
    }


def _image(image: NodeImage) -> Json:
    return {
        "environment": environment_of(image),
        "name": image.tags[0] if image.tags else image.id,
        "digest": image.digest.rpartition("@")[2] or None,
        "size": image.size,
    }


def environment_of(image: NodeImage) -> str | None:
    """The environment that the image's label describes; None for none, or a label that cannot be read."""
    try:
        name = json.loads(image.environment)["name"] if image.environment else None
    except (ValueError, TypeError, KeyError):
        return None
    return name if isinstance(name, str) else None
