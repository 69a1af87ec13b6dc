"""Containers as the engine describes them, read into :class:`Observed`. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import Endpoint
from asci_api.domain.ports import Observed, Usage
from asci_api.engine import labels

ENDED = frozenset({"exited", "dead"})
_FRACTION = re.compile(r"(\.\d{1,6})\d*")


def from_list(entry: dict[str, Any]) -> Observed:
    """From an entry of ``GET /containers/json``: no exit code, which only an inspection tells."""
    marks = dict(entry["Labels"] or {})
    return Observed(
        container=str(entry["Id"]),
        name=str((entry["Names"] or ["/"])[0]).lstrip("/"),
        instance=InstanceId(marks.get(labels.INSTANCE, "")),
        labels=marks,
        status=str(entry["State"]),
        created_at=float(entry["Created"]),
        endpoint=_listed_endpoint(entry.get("Ports") or ()),
        image_id=str(entry["ImageID"]),
    )


def from_inspection(facts: dict[str, Any]) -> Observed:
    """From ``GET /containers/{id}/json``."""
    marks, state = dict(facts["Config"]["Labels"] or {}), facts["State"]
    ended = state["Status"] in ENDED
    return Observed(
        container=str(facts["Id"]),
        name=str(facts["Name"]).lstrip("/"),
        instance=InstanceId(marks.get(labels.INSTANCE, "")),
        labels=marks,
        status=str(state["Status"]),
        created_at=unix_time(facts["Created"]) or 0.0,
        exit_code=int(state["ExitCode"]) if ended else None,
        oom_killed=bool(state["OOMKilled"]),
        finished_at=unix_time(state["FinishedAt"]) if ended else None,
        endpoint=_inspected_endpoint(facts["NetworkSettings"].get("Ports") or {}),
        image_id=str(facts["Image"]),
    )


def usage_of(stats: dict[str, Any]) -> Usage | None:
    """From ``GET /containers/{id}/stats``; None where it tells nothing, as of a container that ended."""
    memory, cpu = stats.get("memory_stats") or {}, (stats.get("cpu_stats") or {}).get("cpu_usage") or {}
    if "usage" not in memory or not cpu.get("total_usage"):
        return None
    details = memory.get("stats") or {}
    idle = details.get("inactive_file", details.get("total_inactive_file", 0))  # control groups v2, v1
    return Usage(cpu["total_usage"] / 1e9, max(int(memory["usage"]) - int(idle), 0))


def unix_time(text: str) -> float | None:
    """Seconds since the epoch of the engine's time (nanoseconds, RFC 3339); None for its zero time."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(_FRACTION.sub(r"\1", text)).timestamp()


def _listed_endpoint(ports: Any) -> Endpoint | None:
    for port in ports:
        if port.get("PublicPort") and ":" not in port.get("IP", ""):
            return Endpoint(str(port["IP"]), int(port["PublicPort"]))
    return None


def _inspected_endpoint(ports: dict[str, Any]) -> Endpoint | None:
    for bindings in ports.values():
        for binding in bindings or ():
            if binding.get("HostPort") and ":" not in binding["HostIp"]:
                return Endpoint(str(binding["HostIp"]), int(binding["HostPort"]))
    return None
