"""Images on a node: which are environments, whether one is there, and fetching it with percent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asci_api.domain.errors import EngineFault, ImageMissing, PullFailed
from asci_api.domain.instance import Hop
from asci_api.domain.node import NodeImage
from asci_api.engine import labels
from asci_api.engine.clients import Clients
from asci_api.engine.faults import NOT_FOUND, status_of, translated

PULL_SILENCE = 60
"""Longest silence of a pull, in seconds."""
_UNTAGGED = "<none>:<none>"
_UNKNOWN = "<none>@<none>"
_LATER = "Try again in a few minutes, or ask support."
_SILENT = ("connection refused", "no such host", "timeout", "deadline exceeded", "no route to host", "unreachable",
           "connection reset", "x509", "tls:", "eof", "server misbehaving")  # fmt: skip
"""Words of an engine that could not speak with the registry."""


def environment_images(clients: Clients, installation: str) -> list[NodeImage]:
    """Images with a catalogue entry that have a name (a tag, or a registry's digest), newest first, without those meant
    for other installations."""
    node = clients.address.node
    with translated(node, Hop.NODE, f"Node {node} could not list its images."):
        found = clients.get().images(filters={"label": labels.ENVIRONMENT})
    found.sort(key=lambda image: (-int(image["Created"]), str(image["Id"])))
    images = (_image(entry) for entry in found if _meant_for(entry, installation))
    return [image for image in images if image.tags or image.digest]


def image_id(clients: Clients, image: str) -> str:
    """The id by which the node knows an id, reference or digest; empty where it has no such image."""
    try:
        with translated(clients.address.node, Hop.IMAGE, "The image could not be looked at."):
            client: Any = clients.get()
            return str(client.inspect_image(image)["Id"])
    except EngineFault as fault:
        if status_of(fault) == NOT_FOUND:
            return ""
        raise


def pull(clients: Clients, image: str, progress: Callable[[int | None], None]) -> None:
    """Fetch an image; percent never falls. Raises ``ImageMissing`` where the registry has no such image, ``PullFailed``
    where it cannot be reached or the node has no room, ``EngineAway`` when the engine falls silent."""
    node = clients.address.node
    if image.startswith("sha256:"):  # an id, not a digest of a repository
        raise ImageMissing(image, "An image's id cannot be fetched, only its name.")
    layers = Layers()
    progress(None)
    try:
        with translated(node, Hop.IMAGE, "The image could not be fetched.", image=image):
            _fetch(clients, image, layers, progress)
    except EngineFault as fault:
        if status_of(fault):
            raise pull_fault(node, image, fault.detail) from fault
        raise
    progress(100)


def pull_fault(node: str, image: str, said: str) -> EngineFault:
    """What a refused pull means. The engine tells the cause in words alone: they choose the sentence, nothing else."""
    words = said.lower()
    if "no space left" in words:
        cause = f"Node {node} has no space left for the image."
        return PullFailed(cause, said, "Ask support: the node's disk is full.")
    if any(sign in words for sign in _SILENT):
        return PullFailed(f"The registry does not answer node {node}.", said, _LATER)
    return ImageMissing(image, said)


class Layers:
    """Adds up a pull's layers: half for fetching, half for unpacking."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._percent = 0

    def percent(self, line: dict[str, Any]) -> int | None:
        """Take one line of the engine's progress; the percent after it, None while no size is known."""
        layer, detail = str(line.get("id", "")), line.get("progressDetail") or {}
        now, size = int(detail.get("current") or 0), int(detail.get("total") or 0)
        match line.get("status"):
            case "Downloading" if size:
                self._sizes[layer], self._done[layer] = size, now
            case "Download complete" if layer in self._sizes:
                self._done[layer] = self._sizes[layer]
            case "Extracting" if size:
                self._sizes[layer], self._done[layer] = size, size + now
            case "Pull complete" if layer in self._sizes:
                self._done[layer] = 2 * self._sizes[layer]
        total = 2 * sum(self._sizes.values())
        if not total:
            return None
        self._percent = max(self._percent, min(99, 100 * sum(self._done.values()) // total))
        return self._percent


def _fetch(clients: Clients, image: str, layers: Layers, progress: Callable[[int | None], None]) -> None:
    told: int | None = None
    with clients.patient(PULL_SILENCE) as client:
        for line in client.pull(image, stream=True, decode=True):
            if "error" in line:
                raise pull_fault(clients.address.node, image, str(line["error"]))
            percent = layers.percent(line)
            if percent != told:
                progress(percent)
                told = percent


def _meant_for(entry: dict[str, Any], installation: str) -> bool:
    return bool((entry["Labels"] or {}).get(labels.INSTALLATION, installation) == installation)


def _image(entry: dict[str, Any]) -> NodeImage:
    tags = tuple(tag for tag in entry["RepoTags"] or () if tag != _UNTAGGED)
    digest = next((one for one in entry.get("RepoDigests") or () if one != _UNKNOWN), "")
    return NodeImage(str(entry["Id"]), tags, int(entry["Size"]), str(entry["Labels"][labels.ENVIRONMENT]), str(digest))
