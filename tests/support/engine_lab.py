"""A corner of this machine's real Docker Engine for one run of tests: its own installation id, swept at the end."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import docker
import pytest

from asci_api.domain.identity import NodeName
from asci_api.engine import labels
from asci_api.engine.clients import Clients, EngineAddress
from asci_api.engine.container_spec import Homes
from asci_api.engine.desktops import DockerEngine
from tests.support.tiny_image import import_tiny_image

URL = "unix:///var/run/docker.sock"


def skip_without_engine() -> None:
    """Skip the test where no engine answers."""
    if not os.access(URL.removeprefix("unix://"), os.R_OK | os.W_OK):
        pytest.skip(f"no Docker Engine at {URL}")


class EngineLab:
    """Use as a context manager. ``installation`` marks everything made here."""

    def __init__(self) -> None:
        self.installation = f"t{secrets.token_hex(4)}"
        self.api: Any = docker.APIClient(base_url=URL, version="1.41", timeout=60)
        self.api.trust_env = False
        self._engines: list[DockerEngine] = []
        self.folder = Path(tempfile.mkdtemp(prefix="asci-lab-", dir=os.environ.get("ASCI_TEST_FOLDER")))
        self.homes = self.folder / "homes"
        self.homes.mkdir()
        self.image = f"asci-test/{self.installation}:tiny"
        self.image_id = import_tiny_image(self.api, self.image, {labels.INSTALLATION: self.installation})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sweep()
        for image in self.api.images(filters={"label": f"{labels.INSTALLATION}={self.installation}"}):
            self.api.remove_image(image["Id"], force=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.api.close()

    def close_engines(self) -> None:
        """Close the connections of the adapters handed out."""
        while self._engines:
            self._engines.pop().close()

    def sweep(self) -> None:
        """Remove the containers and networks of this run."""
        mine = {"label": f"{labels.INSTALLATION}={self.installation}"}
        for container in self.api.containers(all=True, filters=mine):
            with contextlib.suppress(docker.errors.NotFound):
                self.api.remove_container(container["Id"], force=True, v=True)
        for network in self.api.networks(filters=mine):
            self.api.remove_network(network["Id"])

    def engine(self, url: str = URL, **more: Any) -> DockerEngine:
        """A new adapter for this installation."""
        clients = Clients(EngineAddress(NodeName("local"), url, more.pop("tls", None)), **more)
        self._engines.append(DockerEngine(clients, self.installation, Homes(str(self.homes))))
        return self._engines[-1]

    def import_image(self, name: str, marks: Mapping[str, str], files: Mapping[str, str] | None = None) -> str:
        """A further tiny image of this run; its id."""
        marks = {labels.INSTALLATION: self.installation, **marks}
        return import_tiny_image(self.api, f"asci-test/{self.installation}:{name}", marks, files)

    def report(self) -> str:
        """State and log of every container of this run, for a test that failed."""
        lines = []
        for container in self.api.containers(all=True, filters={"label": f"{labels.INSTALLATION}={self.installation}"}):
            lines.append(f"{container['Names']} {container['Status']} {container['Ports']}")
            lines.append(self.api.logs(container["Id"], tail=30).decode(errors="replace"))
        return "\n".join(lines)
