"""A real Redis for every test, its data wiped first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.redis_server import RedisServer
from tests.support.redis_users import rights
from tests.support.store_rooms import RedisRoom, redis_room


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer(acl=rights()) as server:
        yield server


@pytest.fixture
def room(redis_server: RedisServer) -> Iterator[RedisRoom]:
    with redis_room(redis_server) as made:
        yield made
