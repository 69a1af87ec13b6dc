"""The adminui as it is run, before the API as it is run, on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.admin_lab import FILES
from tests.support.api_server import ApiServer
from tests.support.pages_server import PagesServer, start


@pytest.fixture(scope="session")
def adminui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesServer]:
    with ApiServer() as api:
        server = start("adminui", api, tmp_path_factory.mktemp("adminui"), FILES)
        yield server
        server.end()
