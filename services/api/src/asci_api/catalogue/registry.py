"""The catalogue of many machines: a registry that nodes pull from, read over the distribution API (OCI, 1.1).

``/v2/_catalog``, each repository's tags, and of each tag its manifest and configuration, whose labels are the image's.
A tag that still has its digest costs one HEAD; nothing is downloaded but a few kilobytes of JSON.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from asci_api.domain.node import NodeImage
from asci_shared.logging import get_logger

ENVIRONMENT = "org.asci.environment"
INSTALLATION = "org.asci.installation"
SECONDS = 5.0
"""Longest silence of the registry."""
MOST_TAGS = 100
"""Tags of one repository that are looked at."""
REFRESH = 10.0
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.index.v1+json"
_ACCEPT = {"Accept": f"{_MANIFEST}, {_INDEX}"}
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """``host:port`` as it stands in references, and the authority that signed its certificate (None: the system's).
    Over plain HTTP on a loopback address only, as engines have it."""

    host: str
    authority: Path | None = None

    @property
    def url(self) -> str:
        plain = self.authority is None and _is_loopback(self.host.rpartition(":")[0] or self.host)
        return f"{'http' if plain else 'https'}://{self.host}/v2"


@dataclass(slots=True)
class Registry:
    """What was read last; it stays while the registry is silent. One thread refreshes, others read."""

    address: RegistryAddress
    installation: str
    images: tuple[NodeImage, ...] = ()
    """Images with an environment, newest first."""
    was_read: bool = False
    _known: dict[tuple[str, str], NodeImage | None] = field(default_factory=dict)
    """Repository and digest -> what the image says, untagged; None for one that is no environment."""
    _told: str = ""

    def refresh(self) -> None:
        """Read it anew. Never raises: a silent registry is told once and changes nothing."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.verify = str(self.address.authority) if self.address.authority else True
                found = list(self._read(session))
        except (requests.RequestException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._tell(f"{type(error).__name__}: {error}"[:300])
            return
        self.images, self.was_read = tuple(found), True
        self._tell("")

    def _tell(self, problem: str) -> None:
        if problem and not self._told:
            _log.warning("registry.silent", registry=self.address.host, detail=problem)
        elif self._told and not problem:
            _log.info("registry.answers_again", registry=self.address.host)
        self._told = problem

    def _read(self, session: requests.Session) -> Iterator[NodeImage]:
        for repository in self._pages(session, "_catalog?n=500", "repositories"):
            for tag in self._tags(session, repository):
                if (image := self._image(session, repository, tag)) is not None:
                    yield image

    def _tags(self, session: requests.Session, repository: str) -> list[str]:
        try:
            return sorted(self._pages(session, f"{repository}/tags/list", "tags"))[:MOST_TAGS]
        except requests.HTTPError as error:
            if error.response.status_code == requests.codes.not_found:  # every tag was deleted
                return []
            raise

    def _pages(self, session: requests.Session, path: str, field_name: str) -> Iterator[str]:
        url: str | None = f"{self.address.url}/{path}"
        while url:
            response = _answer(session.get(url, timeout=SECONDS))
            yield from response.json().get(field_name) or ()
            following = response.links.get("next", {}).get("url")
            url = requests.compat.urljoin(url, following) if following else None

    def _image(self, session: requests.Session, repository: str, tag: str) -> NodeImage | None:
        url = f"{self.address.url}/{repository}/manifests"
        head = session.head(f"{url}/{tag}", headers=_ACCEPT, timeout=SECONDS)
        digest = str(_answer(head).headers["Docker-Content-Digest"])
        key = (repository, digest)
        if key not in self._known:
            self._known[key] = self._described(session, repository, digest)
        known = self._known[key]
        if known is None:
            return None
        name = f"{self.address.host}/{repository}"
        return NodeImage(known.id, (f"{name}:{tag}",), known.size, known.environment, f"{name}@{digest}")

    def _described(self, session: requests.Session, repository: str, digest: str) -> NodeImage | None:
        manifest = self._manifest(session, repository, digest)
        config_digest = str(manifest["config"]["digest"])
        blob = f"{self.address.url}/{repository}/blobs/{config_digest}"
        config: dict[str, Any] = _answer(session.get(blob, timeout=SECONDS)).json().get("config") or {}
        labels = config.get("Labels") or {}
        if ENVIRONMENT not in labels or labels.get(INSTALLATION, self.installation) != self.installation:
            return None
        size = sum(int(layer["size"]) for layer in manifest["layers"])
        return NodeImage(config_digest, (), size, str(labels[ENVIRONMENT]))

    def _manifest(self, session: requests.Session, repository: str, digest: str) -> dict[str, Any]:
        """The image's; of an index that of amd64, else the first."""
        url = f"{self.address.url}/{repository}/manifests"
        found: dict[str, Any] = _answer(session.get(f"{url}/{digest}", headers=_ACCEPT, timeout=SECONDS)).json()
        if "manifests" not in found:
            return found
        several = found["manifests"]
        mine = next((one for one in several if (one.get("platform") or {}).get("architecture") == "amd64"), several[0])
        image: dict[str, Any] = _answer(session.get(f"{url}/{mine['digest']}", headers=_ACCEPT, timeout=SECONDS)).json()
        return image


class RegistryWatch:
    """A thread that reads the registry every :data:`REFRESH` seconds."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._over = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="registry", daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    def _run(self) -> None:
        while not self._over.is_set():
            self._registry.refresh()
            self._over.wait(REFRESH)


def _answer(response: requests.Response) -> requests.Response:
    response.raise_for_status()
    return response


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
