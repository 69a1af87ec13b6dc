"""One API server with its Redis for all tests here; each begins with whole and empty records."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.api_server import ApiServer


@pytest.fixture(scope="session")
def running_server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def server(running_server: ApiServer) -> ApiServer:
    running_server.store.door.client.flushall()
    running_server.whole()
    return running_server
