"""Forms about nodes: text into what the API takes, with a sentence for each field that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asci_shared.api.cluster import Node

Form = Mapping[str, str]
Errors = dict[str, str]
_GIB = 1024**3


def labelled(form: Form, node: Node) -> tuple[dict[str, Any], Errors]:
    """labels (only what differs; removed ones are None), taints, overcommit."""
    errors: Errors = {}
    labels = pairs(form.get("labels", ""), "labels", errors)
    changes: dict[str, str | None] = {key: value for key, value in labels.items() if node.labels.get(key) != value}
    changes.update({key: None for key in node.labels if key not in labels})
    wish: dict[str, Any] = {
        "taints": taints(form.get("taints", ""), errors),
        "overcommit": {
            "cpus": factor(form.get("cpus", ""), "overcommit.cpus", errors),
            "memory": factor(form.get("memory", ""), "overcommit.memory", errors),
        },
    }
    if changes:
        wish["labels"] = changes
    return wish, errors


def registered(form: Form) -> tuple[dict[str, Any], Errors]:
    """A new node; empty fields are left out."""
    errors: Errors = {}
    wish: dict[str, Any] = {
        "name": form.get("name", "").strip(),
        "url": form.get("url", "").strip(),
        "publish": form.get("publish", "").strip(),
        "tls": form.get("tls", "").strip(),
        "labels": pairs(form.get("labels", ""), "labels", errors),
        "taints": taints(form.get("taints", ""), errors),
        "gpus": gpus(form, errors),
    }
    for name, sentence in (("name", "A node needs a name."), ("url", "Where does its engine listen?")):
        if not wish[name]:
            errors[name] = sentence
    return {name: value for name, value in wish.items() if value}, errors


def pairs(text: str, field: str, errors: Errors) -> dict[str, str]:
    """``key=value`` a line (or after a comma); a key alone has the value ``true``."""
    found: dict[str, str] = {}
    for word in _words(text):
        key, given, value = word.partition("=")
        if not key.strip():
            errors[field] = f"“{word}” has no name before the equals sign."
            continue
        found[key.strip()] = value.strip() if given else "true"
    return found


def taints(text: str, errors: Errors) -> list[dict[str, str]]:
    """``key=value`` or ``key`` a line; each keeps new sessions away."""
    found = []
    for word in _words(text):
        key, _, value = word.partition("=")
        if not key.strip():
            errors["taints"] = f"“{word}” has no name before the equals sign."
            continue
        found.append({"key": key.strip(), "value": value.strip().removesuffix(":NoStart"), "effect": "NoStart"})
    return found


def factor(text: str, field: str, errors: Errors) -> float:
    """A number above 0, such as 1 or 1.5."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = 0.0
    if not 0 < value <= 1000:
        errors[field] = "A number above 0, such as 1 or 1.5."
    return value


def gpus(form: Form, errors: Errors) -> list[dict[str, Any]]:
    """So many of one model; none where the number is empty."""
    count = form.get("gpu_count", "").strip() or "0"
    if not count.isdigit() or int(count) > 64:
        errors["gpus"] = "A whole number up to 64."
        return []
    if count == "0":
        return []
    memory, slots = form.get("gpu_memory", "").strip() or "0", form.get("gpu_slots", "").strip() or "1"
    if not memory.isdigit() or not slots.isdigit() or int(slots) < 1:
        errors["gpus"] = "Memory in GB and places for each GPU, as whole numbers."
        return []
    model = form.get("gpu_model", "").strip() or "GPU"
    return [{"model": model, "memory": int(memory) * _GIB, "slots": int(slots)}] * int(count)


def text_of(node: Node, form: Form) -> dict[str, str]:
    """What stands in the form: what was typed, else what is."""
    is_now = {
        "labels": "\n".join(f"{key}={value}" for key, value in sorted(node.labels.items())),
        "taints": "\n".join(taint.text for taint in node.taints),
        "cpus": f"{node.overcommit_cpus:g}",
        "memory": f"{node.overcommit_memory:g}",
    }
    return {name: form.get(name, value) for name, value in is_now.items()}


def _words(text: str) -> list[str]:
    return [word for word in (part.strip() for part in text.replace(",", "\n").splitlines()) if word]
