"""A registry's images as the catalogue: read over HTTP, merged with what nodes have."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from asci_api.catalogue.environments import read_catalogue
from asci_api.catalogue.overlay import Overlay
from asci_api.catalogue.registry import Registry, RegistryAddress
from asci_api.catalogue.sources import Listing
from asci_api.domain.node import NodeImage

ENTRY = json.dumps({"name": "desktop", "title": "Linux desktop", "kind": "desktop"})
OTHER = json.dumps({"name": "matlab", "title": "Matlab", "kind": "desktop"})
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class Shelf:
    """A registry's content, answered as the distribution API does; two repositories to a page."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, str]] = {}
        self.documents: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []
        self.broken = False

    def add(self, repository: str, tag: str, labels: dict[str, str] | None, *, index: bool = False) -> str:
        config = self._keep("application/octet-stream", {"config": {"Labels": labels}})
        digest = self._keep(MANIFEST, {"config": {"digest": config}, "layers": [{"size": 40}, {"size": 2}]})
        if index:
            several = [{"digest": "sha256:arm", "platform": {"architecture": "arm64"}}]
            several.append({"digest": digest, "platform": {"architecture": "amd64"}})
            digest = self._keep(INDEX, {"manifests": several})
        self.tags.setdefault(repository, {})[tag] = digest
        return digest

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(path)
        if self.broken:
            return 503, {}, b""
        if path.startswith("/v2/_catalog"):
            return self._catalog(path)
        repository, _, rest = path.removeprefix("/v2/").rpartition("/" + path.split("/")[-2] + "/")
        if path.endswith("/tags/list"):
            tags = self.tags[repository]
            return (200, {}, json.dumps({"tags": list(tags)}).encode()) if tags else (404, {}, b"{}")
        digest = self.tags.get(repository, {}).get(rest, rest)
        kind, body = self.documents[digest]
        return 200, {"Docker-Content-Digest": digest, "Content-Type": kind}, body

    def _catalog(self, path: str) -> tuple[int, dict[str, str], bytes]:
        names = sorted(self.tags)
        last = path.partition("last=")[2]
        rest = [name for name in names if name > last]
        links = {"Link": f'</v2/_catalog?n=2&last={rest[1]}>; rel="next"'} if len(rest) > 2 else {}
        return 200, links, json.dumps({"repositories": rest[:2]}).encode()

    def _keep(self, kind: str, document: Any) -> str:
        body = json.dumps(document).encode()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        self.documents[digest] = (kind, body)
        return digest


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def registry(shelf: Shelf) -> Iterator[Registry]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = shelf.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 -- the name that the server looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield Registry(RegistryAddress(f"127.0.0.1:{server.server_port}"), "unit")
        server.shutdown()


def test_environments_are_what_the_labels_of_tagged_images_say(shelf: Shelf, registry: Registry) -> None:
    digest = shelf.add("asci/env-desktop", "dev", {"org.asci.environment": ENTRY})
    shelf.add("asci/base", "dev", {"org.asci.built": "1"})
    shelf.add("plain", "1", None)
    shelf.add("asci/env-other", "1", {"org.asci.environment": OTHER, "org.asci.installation": "other"})
    shelf.tags["asci/emptied"] = {}
    registry.refresh()
    host = registry.address.host
    (found,) = registry.images
    assert found.tags == (f"{host}/asci/env-desktop:dev",)
    assert found.digest == f"{host}/asci/env-desktop@{digest}"
    assert (found.size, found.environment) == (42, ENTRY)
    assert found.id in shelf.documents


def test_of_an_index_the_image_for_this_processor_counts_under_the_index_s_digest(
    shelf: Shelf, registry: Registry
) -> None:
    digest = shelf.add("asci/env-desktop", "dev", {"org.asci.environment": ENTRY}, index=True)
    registry.refresh()
    assert [image.digest for image in registry.images] == [f"{registry.address.host}/asci/env-desktop@{digest}"]


def test_what_did_not_change_is_asked_for_by_its_digest_alone(shelf: Shelf, registry: Registry) -> None:
    shelf.add("asci/env-desktop", "dev", {"org.asci.environment": ENTRY})
    registry.refresh()
    before = registry.images
    shelf.asked.clear()
    registry.refresh()
    assert registry.images == before
    assert [path.split("/")[-1] for path in shelf.asked] == ["_catalog?n=500", "list", "dev"]


def test_a_silent_registry_changes_nothing(shelf: Shelf, registry: Registry) -> None:
    shelf.broken = True
    registry.refresh()
    assert (registry.images, registry.was_read) == ((), False)
    shelf.broken = False
    shelf.add("asci/env-desktop", "dev", {"org.asci.environment": ENTRY})
    registry.refresh()
    before = registry.images
    shelf.broken = True
    registry.refresh()
    assert (registry.images, registry.was_read) == (before, True)


@pytest.mark.parametrize(
    ("host", "authority", "url"),
    [
        ("127.0.0.1:5000", None, "http://127.0.0.1:5000/v2"),
        ("localhost:5000", None, "http://localhost:5000/v2"),
        ("10.213.0.2:5000", None, "https://10.213.0.2:5000/v2"),
        ("registry.site.org", None, "https://registry.site.org/v2"),
        ("127.0.0.1:5000", Path("/ca.pem"), "https://127.0.0.1:5000/v2"),
    ],
)
def test_plain_http_is_spoken_on_this_machine_alone(host: str, authority: Path | None, url: str) -> None:
    assert RegistryAddress(host, authority).url == url


OFFERED = NodeImage("sha256:a", ("lab:5000/asci/env-desktop:dev",), 1, ENTRY, "lab:5000/asci/env-desktop@sha256:d")
BUILT = NodeImage("sha256:a", ("asci/env-desktop:dev",), 1, ENTRY)


def read(images: list[NodeImage], listing: Listing | None) -> list[tuple[str, str, str]]:
    environments, warnings = read_catalogue(images, Overlay(), listing)
    assert not warnings
    return [(one.image, one.image_id, one.source) for one in environments]


def test_one_image_on_nodes_and_in_the_registry_is_one_environment_fetched_by_digest() -> None:
    pulled = NodeImage("sha256:a", (), 1, ENTRY, OFFERED.digest)
    other_store = NodeImage("sha256:own", (), 1, ENTRY, OFFERED.digest)
    listing = Listing("lab:5000", [OFFERED])
    expected = [(OFFERED.tags[0], "sha256:a", OFFERED.digest)]
    assert read([BUILT, pulled, other_store], listing) == expected
    assert read([], listing) == expected


def test_without_a_registry_an_image_is_fetched_by_its_digest_or_from_the_host_that_its_name_says() -> None:
    assert read([BUILT], None) == [("asci/env-desktop:dev", "sha256:a", "")]
    named = replace(BUILT, tags=("registry.site/env-desktop:1",))
    assert read([named], None) == [("registry.site/env-desktop:1", "sha256:a", "registry.site/env-desktop:1")]
    hub = replace(BUILT, digest="asci/env-desktop@sha256:d")
    assert read([hub], None) == [("asci/env-desktop:dev", "sha256:a", "asci/env-desktop@sha256:d")]


def test_what_was_only_built_on_a_node_is_offered_and_fetched_from_nowhere() -> None:
    assert read([BUILT], Listing("lab:5000", [])) == [("asci/env-desktop:dev", "sha256:a", "")]


def test_the_registry_s_image_wins_over_one_that_was_built_since_or_pulled_before() -> None:
    rebuilt = replace(BUILT, id="sha256:b")
    old = NodeImage("sha256:old", (OFFERED.tags[0],), 1, ENTRY, "lab:5000/asci/env-desktop@sha256:0")
    environments, _ = read_catalogue([rebuilt, old], Overlay(), Listing("lab:5000", [OFFERED]))
    assert [(one.image_id, one.source) for one in environments] == [("sha256:a", OFFERED.digest)]


def test_before_the_registry_was_read_nodes_are_believed() -> None:
    pulled = replace(OFFERED)
    assert read([pulled], Listing("lab:5000", None)) == [(OFFERED.tags[0], "sha256:a", OFFERED.digest)]


def test_a_pin_by_the_built_name_finds_the_registry_s() -> None:
    overlay = Overlay(environments={"desktop": {"image": "asci/env-desktop:dev"}})
    environments, _ = read_catalogue([BUILT], overlay, Listing("lab:5000", [OFFERED]))
    assert [one.image for one in environments] == [OFFERED.tags[0]]
