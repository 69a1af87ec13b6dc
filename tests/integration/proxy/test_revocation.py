"""Rights that end while they are used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from asci_shared import redis_contract as contract
from tests.integration.proxy.desktop import SERVER_INIT, Desktop, echo, hold
from tests.integration.proxy.portal import BEAT, Portal, Proxy, hash_of, secret_of, wait_for
from tests.support.redis_server import RedisServer
from tests.support.stalling_wire import StallingWire

Revoke = Callable[[Portal, str, contract.Ticket], object]

KINDS: dict[str, tuple[Revoke, int]] = {
    "instance": (lambda p, _token, t: p.revoke("instance", 4404, instance=t.instance), 4404),
    "share": (lambda p, _token, t: p.revoke("share", 4403, instance=t.instance, username=t.username), 4403),
    "connection": (lambda p, _token, t: p.revoke("connection", 4409, connection=t.connection), 4409),
    "token": (lambda p, token, _t: p.revoke("token", 4401, token=hash_of(token)), 4401),
    "person": (lambda p, _token, t: p.revoke("person", 4401, username=t.username), 4401),
}


@pytest.fixture
def port() -> Iterator[int]:
    with Desktop(secret_of(), echo).listening() as port:
        yield port


@pytest.mark.parametrize("kind", KINDS)
def test_a_push_closes_what_it_hits_and_nothing_else(proxy: Proxy, portal: Portal, port: int, kind: str) -> None:
    revoke, code = KINDS[kind]
    token, other = portal.sign_in(), portal.sign_in("other")
    ticket = portal.ticket(token, port)
    with (
        Desktop(secret_of("i-other"), echo).listening() as other_port,
        proxy.enter(portal.ticket(other, other_port, username="other", instance="i-other"), other) as bystander,
        proxy.enter(ticket, token) as browser,
    ):
        started = time.monotonic()
        revoke(portal, token, ticket)
        closed = browser.closing()
        assert time.monotonic() - started < 3, "the push closes, not the beat"
        assert (closed.code, closed.reason) == (code, f"{kind} was taken away")
        bystander.read(len(SERVER_INIT))
        bystander.send(b"unharmed")
        assert bystander.read(8) == b"unharmed"


def test_lowering_a_share_hits_the_modes_it_names(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in("guest")
    with (
        Desktop(secret_of(), hold).listening() as control_port,
        Desktop(secret_of(mode="view"), echo).listening() as view_port,
        proxy.enter(portal.ticket(token, control_port, username="guest"), token) as control,
        proxy.enter(portal.ticket(token, view_port, username="guest", mode="view"), token) as view,
    ):
        portal.revoke("share", 4403, instance="i-test", username="guest", modes=("control",))
        assert control.closing().code == 4403
        view.read(len(SERVER_INIT))
        view.send(b"still looking")
        assert view.read(13) == b"still looking"


def test_a_connection_in_its_handshake_is_hit(proxy: Proxy, portal: Portal, port: int) -> None:
    token = portal.sign_in()
    with proxy.browser(portal.ticket(token, port), token).connect() as browser:
        assert browser.read(12) == b"RFB 003.008\n"
        portal.revoke("token", 4401, token=hash_of(token))
        assert browser.closing().code == 4401


def test_a_ticket_older_than_a_revocation_is_refused(proxy: Proxy, portal: Portal, port: int) -> None:
    token = portal.sign_in()
    ticket = portal.ticket(token, port)
    portal.revoke("share", 4403, publish=False, instance="i-test", username="demo")
    with proxy.browser(ticket, token).connect() as browser:
        assert browser.closing().code == 4403


def test_a_right_that_was_given_again_is_good(proxy: Proxy, portal: Portal, port: int) -> None:
    """The old tombstone is read at every beat for a while; it must not hit the newer ticket."""
    token = portal.sign_in()
    portal.revoke("share", 4403, instance="i-test", username="demo")
    with proxy.enter(portal.ticket(token, port), token) as browser:
        browser.read(len(SERVER_INIT))
        time.sleep(2.5 * BEAT)
        browser.send(b"mine again")
        assert browser.read(10) == b"mine again"


def test_a_tombstone_without_a_push_bites_at_the_next_beat(proxy: Proxy, portal: Portal, port: int) -> None:
    token = portal.sign_in()
    with proxy.enter(portal.ticket(token, port), token) as browser:
        portal.revoke("instance", 4404, publish=False, instance="i-test")
        assert browser.closing().code == 4404


def test_a_browser_that_does_not_read_is_closed_all_the_same(proxy: Proxy, portal: Portal) -> None:
    def flood(sock: Any) -> None:
        while True:
            sock.sendall(bytes(1 << 20))

    token = portal.sign_in()
    with (
        Desktop(secret_of(), flood).listening() as port,
        proxy.enter(portal.ticket(token, port), token, receive_buffer=65536),
    ):
        time.sleep(0.5)
        portal.revoke("instance", 4404, instance="i-test")
        wait_for(lambda: proxy.metric("asci_proxy_connections") == 0, "the connection to be given up", 3)


def test_input_keeps_the_sign_in_alive_and_looking_does_not(proxy: Proxy, portal: Portal, port: int) -> None:
    token, idle = portal.sign_in(), portal.sign_in("idle")
    with (
        proxy.enter(portal.ticket(token, port), token) as browser,
        proxy.enter(portal.ticket(idle, port, username="idle"), idle) as looker,
    ):
        for one in (token, idle):
            portal.operator.expire(contract.token_key(hash_of(one)), 60)
        looker.send(b"\x03" + bytes(9))  # FramebufferUpdateRequest
        browser.send(b"\x04" + bytes(7))  # KeyEvent
        wait_for(lambda: portal.operator.ttl(contract.token_key(hash_of(token))) > 1700, "the token to be renewed")
        assert portal.operator.ttl(contract.token_key(hash_of(idle))) <= 60


def test_a_renewal_never_outlives_the_tokens_end(proxy: Proxy, portal: Portal, port: int) -> None:
    token = portal.sign_in(expires_at=portal.now() + 300)
    with proxy.enter(portal.ticket(token, port), token) as browser:
        portal.operator.expire(contract.token_key(hash_of(token)), 60)
        browser.send(b"\x05" + bytes(5))
        wait_for(lambda: portal.operator.ttl(contract.token_key(hash_of(token))) > 60, "the token to be renewed")
        assert portal.operator.ttl(contract.token_key(hash_of(token))) <= 300


def test_a_token_that_vanished_for_good_ends_its_connections(proxy: Proxy, portal: Portal, port: int) -> None:
    token = portal.sign_in()
    with proxy.enter(portal.ticket(token, port), token) as browser:
        portal.operator.delete(contract.token_key(hash_of(token)))
        assert browser.closing().code == 4401


def test_a_token_whose_time_is_up_ends_its_connections(proxy: Proxy, portal: Portal, port: int) -> None:
    token = portal.sign_in(expires_at=portal.now() + 2)
    with proxy.enter(portal.ticket(token, port), token) as browser:
        assert browser.closing().code == 4401


# -- behind a wire that can fall silent --


class Behind:
    """A proxy whose subscription goes through a wire of its own."""

    def __init__(self, server: RedisServer) -> None:
        self.wire = StallingWire(("127.0.0.1", server.port))
        self.proxy = Proxy(self.wire.port)

    def __enter__(self) -> Behind:
        self.proxy.start()
        wait_for(lambda: self.proxy.lines("subscription.alive"), "the subscription")
        return self

    def __exit__(self, *_: object) -> None:
        self.proxy.stop()
        self.wire.close()


def test_a_revocation_bites_while_the_subscription_is_silently_dead(
    redis_server: RedisServer, portal: Portal, port: int
) -> None:
    token = portal.sign_in()
    with Behind(redis_server) as behind, behind.proxy.enter(portal.ticket(token, port), token) as browser:
        browser.read(len(SERVER_INIT))
        behind.wire.stall(_is_subscription)
        portal.revoke("instance", 4404, instance="i-test")
        started = time.monotonic()
        assert browser.closing().code == 4404
        assert time.monotonic() - started < 15
        wait_for(lambda: behind.proxy.lines("subscription.lost"), "the dead subscription to be noticed", 15)
        wait_for(lambda: len(behind.proxy.lines("subscription.alive")) == 2, "the subscription to be rebuilt")
        again = behind.proxy.enter(portal.ticket(token, port), token)
        with again:
            started = time.monotonic()
            portal.revoke("connection", 4409, connection=again.path.rsplit("/", 1)[1])
            assert again.closing().code == 4409
            assert time.monotonic() - started < 3, "the new subscription hears pushes"


def _is_subscription(sent: bytes) -> bool:
    return b"SUBSCRIBE" in sent.upper()
