"""What the engine tells by itself: hints that hurry the periodic look, which stays the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests
import urllib3

from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import Hop
from asci_api.domain.ports import EngineEvent
from asci_api.engine import labels
from asci_api.engine.clients import QUICK_SECONDS, Clients
from asci_api.engine.faults import translated

SILENCE = 60.0
"""Seconds after which a stream without events is taken for dead: the caller makes a new one."""
_CONTAINER = ("die", "start", "destroy", "oom")
_IMAGE = ("tag", "untag", "delete", "load", "pull", "import")
_UNLABELLED = ("untag", "delete")
"""By then the engine no longer knows the image's labels."""


def events(clients: Clients, installation: str, silence: float = SILENCE) -> Iterator[EngineEvent]:
    """Events of this installation until the stream ends or is silent for ``silence`` seconds.

    The stream stands when this returns: what happens afterwards is told, so look round once now.
    Raises ``EngineAway`` when there is no stream to begin with."""
    return _read(_open(clients, silence), installation)


def _read(response: requests.Response, installation: str) -> Iterator[EngineEvent]:
    try:
        for line in response.iter_lines(chunk_size=None):
            event = read_event(json.loads(line), installation) if line else None
            if event is not None:
                yield event
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
        return
    finally:
        response.close()


def read_event(message: dict[str, Any], installation: str) -> EngineEvent | None:
    """An engine's message, or None if it is not of this installation."""
    subject, action = str(message.get("Type", "")), str(message.get("Action", ""))
    marks = (message.get("Actor") or {}).get("Attributes") or {}
    if subject == "container":
        mine = marks.get(labels.INSTALLATION) == installation and labels.INSTANCE in marks
        return EngineEvent(subject, action, InstanceId(marks[labels.INSTANCE])) if mine else None
    if subject == "image" and (action in _UNLABELLED or labels.ENVIRONMENT in marks):
        mine = marks.get(labels.INSTALLATION, installation) == installation
        return EngineEvent(subject, action, None) if mine else None
    return None


def _open(clients: Clients, silence: float) -> requests.Response:
    filters = {"type": ["container", "image"], "event": [*_CONTAINER, *_IMAGE]}
    with translated(clients.address.node, Hop.NODE, "The engine does not tell its events."):
        client = clients.get()
        # not the SDK's own events(): that one waits for ever on a connection that died silently
        response = client.get(
            f"{client.base_url}/v{client.api_version}/events",
            params={"filters": json.dumps(filters)},
            stream=True,
            timeout=(QUICK_SECONDS, silence),
        )
        response.raise_for_status()
    return response
