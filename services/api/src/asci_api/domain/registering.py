"""What a node may be registered as: rules for file and API alike. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from asci_api.domain.node import NODE_NAME, DeclaredGpu, NodeRegistration, Overcommit, Taint

Complaints = dict[str, list[str]]
"""Field -> sentences; empty where nothing is wrong."""

EFFECT = "NoStart"
LABEL_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
"""As in Kubernetes."""
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
TLS_FOLDER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MOST_LABELS = 200
MOST_GPUS = 64
OVERCOMMIT = (0.1, 100.0)
"""The least and the most."""
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def complaints(registration: NodeRegistration) -> Complaints:
    """What is wrong with a registration."""
    found = {
        "name": _name(registration.name),
        "url": url_complaints(registration.url, registration.tls),
        "publish": _publish(registration.publish),
        "tls": _tls(registration.tls),
        "labels": label_complaints(registration.labels),
        "taints": taint_complaints(registration.taints),
        "overcommit": overcommit_complaints(registration.overcommit),
        "gpus": _gpus(registration.gpus),
    }
    return {field: sentences for field, sentences in found.items() if sentences}


def url_complaints(url: str, tls: str) -> list[str]:
    """``unix:///path``, or ``tcp://host:port`` with TLS: an engine without it gives its machine to everybody."""
    if url.startswith("unix:///") and len(url) > len("unix:///"):
        return ["A Unix socket has no TLS."] if tls else []
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = url == f"tcp://{parts.netloc}" and "@" not in url
    if parts.scheme != "tcp" or port is None or not _host(parts.hostname or "") or not plain:
        return ["Write tcp://host:2376 or unix:///path."]
    return [] if tls else ["An engine on the network needs TLS: name a folder of certificates."]


def label_complaints(labels: Mapping[str, str]) -> list[str]:
    """Names and values as Kubernetes has them."""
    if len(labels) > MOST_LABELS:
        return [f"At most {MOST_LABELS}."]
    found = [f"{key}: no label can be called so." for key in labels if not LABEL_KEY.fullmatch(key)]
    return found + [f"{key}: no label can have this value." for key, value in labels.items() if not _value(value)]


def taint_complaints(taints: Iterable[Taint]) -> list[str]:
    """Names and values as labels have them; each name once."""
    names = [taint.key for taint in taints]
    found = [f"{name}: no taint can be called so." for name in names if not LABEL_KEY.fullmatch(name)]
    found += [f"{taint.key}: no taint can have this value." for taint in taints if not _value(taint.value)]
    found += [f"{taint.key}: the effect is {EFFECT}." for taint in taints if taint.effect != EFFECT]
    return found + [f"{name}: name it once." for name in dict.fromkeys(names) if names.count(name) > 1]


def overcommit_complaints(overcommit: Overcommit | None) -> list[str]:
    least, most = OVERCOMMIT
    if overcommit is None or (least <= overcommit.cpus <= most and least <= overcommit.memory <= most):
        return []
    return [f"Between {least:g} and {most:g}."]


def _name(name: str) -> list[str]:
    return [] if NODE_NAME.fullmatch(name) else ["Lower-case letters, digits, hyphens and dots, at most 63."]


def _tls(folder: str) -> list[str]:
    return [] if not folder or TLS_FOLDER.fullmatch(folder) else ["The name of a folder below tls, not a path."]


def _publish(address: str) -> list[str]:
    if not address or _host(address):
        return []
    return ["The address on which proxies reach the node, such as 10.2.0.11."]


def _gpus(gpus: Iterable[DeclaredGpu]) -> list[str]:
    declared = list(gpus)
    uuids = [gpu.uuid for gpu in declared if gpu.uuid]
    found = [f"At most {MOST_GPUS}."] if len(declared) > MOST_GPUS else []
    if any(not 1 <= gpu.slots <= 64 or gpu.memory < 0 for gpu in declared):
        found.append("Slots are 1 to 64, memory is in bytes.")
    return found + (["Each uuid once."] if len(set(uuids)) != len(uuids) else [])


def _host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return bool(_HOST.fullmatch(host))
    return True


def _value(value: str) -> bool:
    return bool(LABEL_VALUE.fullmatch(value))
