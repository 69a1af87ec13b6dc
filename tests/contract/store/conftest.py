"""Every test here runs on the real adapters and on those in memory, so that neither can lie about the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.redis_server import RedisServer
from tests.support.redis_users import rights
from tests.support.store_rooms import MemoryRoom, StoreRoom, redis_room


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer(acl=rights()) as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
def room(request: pytest.FixtureRequest) -> Iterator[StoreRoom]:
    if request.param == "memory":
        yield MemoryRoom()
        return
    with redis_room(request.getfixturevalue("redis_server")) as made:
        yield made
