"""Redis lost, restarted, frozen: bytes go on, nobody is signed out, and everything is there again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from asci_shared import redis_contract as contract
from tests.integration.proxy.desktop import SERVER_INIT, Desktop, echo
from tests.integration.proxy.portal import Portal, Proxy, acl, hash_of, secret_of, wait_for
from tests.support.redis_server import RedisServer


@pytest.fixture
def port() -> Iterator[int]:
    with Desktop(secret_of(), echo).listening() as port:
        yield port


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    with RedisServer(tcp=True, acl=acl()) as server:
        yield server


def test_leases_say_who_is_on_and_go_with_the_connection(proxy: Proxy, portal: Portal, port: int) -> None:
    token = portal.sign_in()
    portal.redis.sadd(contract.audience_key("i-test"), "demo", "guest")
    rings = portal.subscribe(contract.CHANNEL_RING)
    ticket = portal.ticket(token, port)
    with proxy.enter(ticket, token) as browser:
        browser.read(len(SERVER_INIT))
        wait_for(lambda: portal.lease(ticket), "the lease")
        lease = portal.lease(ticket)
        assert lease is not None
        assert (lease.username, lease.name, lease.mode, lease.token) == ("demo", "Demo", "control", hash_of(token))
        members: Any = portal.operator.zrange(contract.presence_key("i-test"), 0, -1, withscores=True)
        assert [member for member, _ in members] == [ticket.connection.encode()]
        assert 60 < members[0][1] - portal.now() <= 90
        assert 60 < portal.operator.ttl(contract.lease_key(ticket.connection)) <= 90
        browser.send(b"\x04" + bytes(7))
        wait_for(lambda: (lease := portal.lease(ticket)) and lease.last_input and lease.bytes_in == 8, "the next beat")
    wait_for(lambda: portal.lease(ticket) is None, "the lease to go")
    assert portal.operator.zcard(contract.presence_key("i-test")) == 0
    heard = [rings.get_message(timeout=5) for _ in range(2)]
    rings.close()
    for message in heard:
        assert message is not None
        ring = contract.Ring.from_json(message["data"])
        assert (ring.topic, ring.id, ring.revision, sorted(ring.audience)) == (
            "instance",
            "i-test",
            0,
            ["demo", "guest"],
        )


def test_flushall_cuts_nothing_and_leases_are_written_again(proxy: Proxy, portal: Portal, port: int) -> None:
    token = portal.sign_in()
    record = portal.record(token)
    ticket = portal.ticket(token, port)
    with proxy.enter(ticket, token) as browser:
        browser.read(len(SERVER_INIT))
        portal.operator.flushall()
        wait_for(lambda: portal.lease(ticket), "the lease to be written again")
        for beat in range(2):
            wait_for(lambda: portal.operator.delete(contract.lease_key(ticket.connection)), "a beat")
            browser.send(b"still here" + str(beat).encode())
            assert browser.read(11) == b"still here" + str(beat).encode()
        portal.write_token(token, record)
        portal.restore()
        wait_for(lambda: portal.lease(ticket), "another beat")
        browser.send(b"as before")
        assert browser.read(9) == b"as before"


def test_a_restart_of_redis_cuts_nothing(own_redis: RedisServer) -> None:
    portal = Portal(own_redis)
    portal.restore()
    proxy = Proxy(own_redis.port)
    proxy.start()
    try:
        token = portal.sign_in()
        with Desktop(secret_of(), echo).listening() as port:
            ticket, late = portal.ticket(token, port), portal.ticket(token, port)
            with proxy.enter(ticket, token) as browser:
                browser.read(len(SERVER_INIT))
                own_redis.kill()
                browser.send(b"without redis")
                assert browser.read(13) == b"without redis"
                wait_for(lambda: proxy.status("/health/ready") == 503, "readiness to say so")
                assert proxy.status("/health/live") == 200
                with proxy.browser(late, token).connect() as refused:
                    assert refused.closing().code == 1013
                own_redis.start()
                wait_for(lambda: proxy.status("/health/ready") == 200, "readiness")
                wait_for(lambda: len(proxy.lines("subscription.alive")) >= 2, "the subscription to be rebuilt")
                browser.send(b"\x04with redis")
                assert browser.read(11) == b"\x04with redis"
                token = portal.sign_in()
                proxy.enter(portal.ticket(token, port), token).close()
                portal.revoke("connection", 4409, connection=ticket.connection)
                assert browser.closing().code == 4409
    finally:
        proxy.stop()
        portal.redis.close()
        portal.operator.close()


def test_a_revocation_while_redis_was_frozen_bites_afterwards(own_redis: RedisServer) -> None:
    portal = Portal(own_redis)
    portal.restore()
    proxy = Proxy(own_redis.port)
    proxy.start()
    try:
        token = portal.sign_in()
        with Desktop(secret_of(), echo).listening() as port, proxy.enter(portal.ticket(token, port), token) as browser:
            browser.read(len(SERVER_INIT))
            own_redis.freeze()
            browser.send(b"frozen")
            assert browser.read(6) == b"frozen"
            wait_for(lambda: proxy.lines("subscription.lost"), "the silence to be noticed", 15)
            own_redis.thaw()
            portal.revoke("instance", 4404, publish=False, instance="i-test")
            assert browser.closing().code == 4404
    finally:
        own_redis.thaw()
        proxy.stop()
        portal.redis.close()
        portal.operator.close()
