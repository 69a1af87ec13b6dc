"""A Redis with the installation's own rights, and a proxy process, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.proxy.portal import Portal, Proxy, acl
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer(tcp=True, acl=acl()) as server:
        yield server


@pytest.fixture
def portal(redis_server: RedisServer) -> Iterator[Portal]:
    portal = Portal(redis_server)
    portal.operator.flushall()
    portal.restore()
    yield portal
    portal.redis.close()
    portal.operator.close()


@pytest.fixture(scope="session")
def shared_proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    proxy = Proxy(redis_server.port)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def proxy(shared_proxy: Proxy, portal: Portal) -> Proxy:
    """A proxy that the tests share; one that ends it starts its own."""
    return shared_proxy
