"""The portal as it is run, before the API as it is run, on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from tests.support.api_lab import password_of
from tests.support.api_server import ApiServer
from tests.support.pages_server import PagesServer, start


@dataclass
class PortalServer(PagesServer):
    """One portal process with its workers."""

    def browser(self, username: str = "") -> requests.Session:
        """A browser without script, signed in by the form where a person is named."""
        session = super().browser()
        if username:
            answer = self.post(session, "/sign-in", "/sign-in", username=username, password=password_of(username))
            assert answer.status_code == 303, answer.text
        return session


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalServer]:
    with ApiServer() as api:
        server = start("webui", api, tmp_path_factory.mktemp("portal"))
        yield PortalServer(server.address, server.process, server.log_file, api)
        server.end()
