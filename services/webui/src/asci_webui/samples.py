"""What the style guide shows: one session in every state, and a small catalogue. For development only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from asci_shared.api.models import Environment, Instance, Me

_GB = 1024**3


def _at(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


_PEOPLE = {"mara": "Mara Lindqvist", "jun": "Jun Okafor", "aiko": "Dr Aiko Brandt"}
_STEPS = ("Place found", "Image", "Home folder and data", "Desktop")


def _progress(step: int, percent: int | None, seconds: float, usual: float | None, message: str = "") -> dict[str, Any]:
    states = ["done" if n < step - 1 else "now" if n == step - 1 else "ahead" for n in range(4)]
    steps = [
        {"name": name, "state": state, "seconds": None if state == "ahead" else 0.4}
        for name, state in zip(_STEPS, states, strict=True)
    ]
    return {
        "step": step, "of": 4, "percent": percent, "message": message, "seconds": seconds, "usual_seconds": usual,
        "steps": steps,
    }  # fmt: skip


def _session(name: str, title: str, state: str, **facts: Any) -> Instance:
    owner = facts.pop("owner", "mara")
    kind = facts.pop("kind", "desktop")
    whole: dict[str, Any] = {
        "id": f"sample-{name}",
        "revision": 1,
        "owner": {"username": owner, "name": _PEOPLE[owner]},
        "environment": {"name": "desktop", "title": "Linux desktop", "icon": "monitor"},
        "kind": kind,
        "title": title,
        "state": state,
        "state_since": _at(-300),
        "node": "gpu-07",
        "created_at": _at(-400),
        "running_at": _at(-300) if state == "running" else None,
        "expires_at": _at(3 * 3600 + 12 * 60),
        "my_access": "owner" if owner == "mara" else "view",
        **facts,
    }
    return Instance.read(whole)


def _on(*usernames: str) -> list[dict[str, Any]]:
    return [
        {"id": f"c-{username}", "username": username, "name": _PEOPLE[username], "mode": "control"}
        for username in usernames
    ]


_ERROR = {
    "hop": "mount",
    "cause": "Your home folder could not be mounted.",
    "detail": "its file server did not answer.",
    "next_step": "Your files are safe. Try again, or ask support.",
    "request_id": "7f3a91c27f3a91c27f3a91c27f3a91c2",
}

ME = Me.read(
    {
        "username": "mara", "name": "Mara Lindqvist", "roles": ["user", "admin"], "uid": 20001, "gid": 20001,
        "quota": {"sessions": 6, "gpus": 2}, "usage": {"sessions": 4, "gpus": 1},
    }
)  # fmt: skip

INSTANCES = (
    _session("queued", "Segmentation, 2 GPUs", "queued", node=None,
             queue={"place": 2, "reasons": ["gpu-01: needs two free GPUs, one is free"]}),
    _session("placed", "Linux desktop", "placed", progress=_progress(1, None, 0.2, 2.0)),
    _session("pulling", "Crystallography desktop", "pulling", progress=_progress(2, 42, 9.0, 25.0)),
    _session("home", "Linux desktop", "starting", progress=_progress(3, None, 1.0, 2.0, "Mounting your home folder.")),
    _session("starting", "Linux desktop", "starting", progress=_progress(4, None, 40.0, 25.0)),
    _session("running", "Tomography, 24117", "running", connections=_on("mara", "jun")),
    _session("alone", "Linux desktop", "running", expires_at=_at(1500)),
    _session("web", "JupyterLab", "running", kind="web"),
    _session("service", "Live reconstruction", "running", kind="service"),
    _session("shared", "SAXS overview", "running", owner="aiko", connections=_on("aiko")),
    _session("stopping", "Linux desktop", "stopping"),
    _session("failed", "JupyterLab, SAXS", "failed", kind="web", node="cpu-03", error=_ERROR),
    _session("lost", "Linux desktop", "lost", node="cpu-03"),
)  # fmt: skip


def _environment(name: str, title: str, kind: str, icon: str, **facts: Any) -> Environment:
    return Environment.read(
        {
            "name": name, "title": title, "kind": kind, "icon": icon,
            "description": "A full MATE desktop with your home folder and your experiment’s data.",
            "needs": {"cpus": 4, "memory": 16 * _GB, "gpu": facts.pop("gpu", None)},
            "startable": True, "usual_seconds": 2.1, **facts,
        }
    )  # fmt: skip


CATALOGUE = (
    _environment("desktop", "Linux desktop", "desktop", "monitor"),
    _environment("gpu", "Desktop with GPU", "desktop", "boxes", gpu={"mode": "exclusive", "count": 1}, waiting=3),
    _environment("jupyter", "JupyterLab", "web", "notebook-pen", usual_seconds=None),
    _environment("live", "Live reconstruction", "service", "server", gpu={"mode": "shared", "count": 1}),
    _environment("online", "Online, XFM beamline", "desktop", "no-such-icon", startable=False,
                 reason="For members of XFM."),
)  # fmt: skip
