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
    """One that does not count how often somebody comes; what limits do is tested on proxies of their own."""
    proxy = Proxy(redis_server.port, ASCI_PROXY_PERSON_BURST="0", ASCI_PROXY_ADDRESS_BURST="0")
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def proxy(shared_proxy: Proxy, portal: Portal) -> Proxy:
    """A proxy that the tests share; one that ends it starts its own."""
    return shared_proxy


@pytest.fixture(scope="session")
def shared_apps_proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    """One that does not count how often somebody comes, for the many short visits of the tests of web applications."""
    proxy = Proxy(redis_server.port, ASCI_PROXY_PERSON_BURST="0", ASCI_PROXY_ADDRESS_BURST="0")
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def apps_proxy(shared_apps_proxy: Proxy, portal: Portal) -> Proxy:
    return shared_apps_proxy
