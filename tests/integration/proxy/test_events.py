"""The ring: who hears what, and what happens to a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from asci_shared import redis_contract as contract
from tests.integration.proxy.browser import BINARY, CLOSE, PING, PONG, Browser, Closed, HttpRefused, masked_frame
from tests.integration.proxy.portal import Portal, Proxy, acl, hash_of, wait_for
from tests.support.redis_server import RedisServer


class Page(Browser):
    """A page that listens."""

    def hear(self) -> dict[str, Any]:
        """The next ring."""
        while True:
            opcode, payload = self.frame()
            if opcode == CLOSE:
                raise Closed(int.from_bytes(payload[:2], "big"), payload[2:].decode())
            if opcode == PING:
                self.send_frame(payload, PONG)
                continue
            assert opcode == 1, "rings are text messages"
            document: dict[str, Any] = json.loads(payload)
            return document


def page(proxy: Proxy, token: str | None, **changes: Any) -> Page:
    cookie = None if token is None else f"asci={token}"
    facts: dict[str, Any] = {"cookie": cookie, "origin": "http://localhost:8080"}
    listening = Page(proxy.port, "/connect/events", **(facts | changes))
    before = proxy.metric("asci_proxy_events_pages")
    listening.connect()
    if token is not None:
        wait_for(lambda: proxy.metric("asci_proxy_events_pages") >= before, "the page to listen", 2)
    return listening


def ring(portal: Portal, topic: str, name: str = "", revision: int = 0, audience: tuple[str, ...] = ()) -> None:
    portal.redis.publish(contract.CHANNEL_RING, contract.Ring(topic, name, revision, audience).to_json())


@pytest.fixture
def listening(proxy: Proxy) -> Proxy:
    wait_for(lambda: proxy.lines("subscription.alive"), "the subscription")
    return proxy


def test_only_the_audience_and_admins_hear_of_an_instance(listening: Proxy, portal: Portal) -> None:
    with (
        page(listening, portal.sign_in("demo")) as demo,
        page(listening, portal.sign_in("guest")) as guest,
        page(listening, portal.sign_in("admin", roles=("admin",))) as admin,
    ):
        ring(portal, "instance", "i-1", 7, ("demo",))
        ring(portal, "instance", "i-2", 3, ("guest",))
        ring(portal, "notice")
        assert demo.hear() == {"topic": "instance", "id": "i-1", "revision": 7}
        assert demo.hear() == {"topic": "notice", "id": "", "revision": 0}
        assert guest.hear() == {"topic": "instance", "id": "i-2", "revision": 3}
        assert [admin.hear()["id"] for _ in range(3)] == ["i-1", "i-2", ""]


def test_an_instance_without_an_audience_rings_for_admins_only(listening: Proxy, portal: Portal) -> None:
    with page(listening, portal.sign_in("demo")) as demo:
        ring(portal, "instance", "i-1", 7)
        ring(portal, "catalogue")
        assert demo.hear()["topic"] == "catalogue"


def test_garbage_on_the_channel_harms_nobody(listening: Proxy, portal: Portal) -> None:
    with page(listening, portal.sign_in("demo")) as demo:
        for garbage in ("", "[]", "7", '{"id": 5}', '{"topic": "x", "audience": 5}', "\xff"):
            portal.redis.publish(contract.CHANNEL_RING, garbage)
            portal.redis.publish(contract.CHANNEL_REVOKED, garbage)
        ring(portal, "notice")
        while demo.hear()["topic"] != "notice":
            pass


@pytest.mark.parametrize("kind", ["token", "person"])
def test_signing_out_closes_the_pages(listening: Proxy, portal: Portal, kind: str) -> None:
    token = portal.sign_in("demo")
    with page(listening, token) as demo, page(listening, portal.sign_in("other")) as other:
        facts: dict[str, Any] = {"token": hash_of(token)} if kind == "token" else {"username": "demo"}
        portal.revoke(kind, 4401, **facts)
        with pytest.raises(Closed) as closed:
            demo.hear()
        assert closed.value.code == 4401
        ring(portal, "notice")
        assert other.hear()["topic"] == "notice"


def test_the_ring_does_not_keep_a_sign_in_alive(listening: Proxy, portal: Portal) -> None:
    token = portal.sign_in("demo")
    with page(listening, token) as demo:
        portal.operator.delete(contract.token_key(hash_of(token)))
        with pytest.raises(Closed) as closed:
            demo.hear()
        assert closed.value.code == 4401


@pytest.mark.parametrize(("token", "code"), [(None, 4401), ("made-up", 4401)])
def test_nobody_listens_without_a_sign_in(listening: Proxy, portal: Portal, token: str | None, code: int) -> None:
    with page(listening, token) as nobody, pytest.raises(Closed) as closed:
        nobody.hear()
    assert closed.value.code == code


def test_nobody_listens_from_another_site(listening: Proxy, portal: Portal) -> None:
    with pytest.raises(HttpRefused) as refused:
        page(listening, portal.sign_in("demo"), origin="http://evil.example")
    assert refused.value.status == 403


def test_a_person_has_twenty_pages(listening: Proxy, portal: Portal) -> None:
    token = portal.sign_in("many")
    pages = [page(listening, token) for _ in range(20)]
    with page(listening, token) as one_more, pytest.raises(Closed) as closed:
        one_more.hear()
    assert closed.value.code == 4429
    pages.pop().close()
    wait_for(lambda: listening.metric("asci_proxy_events_pages") == 19, "the closed page to be noticed")
    pages.append(page(listening, token))
    ring(portal, "notice")
    assert {one.hear()["topic"] for one in pages} == {"notice"}
    for one in pages:
        one.close()


def test_a_page_stays_open_while_redis_is_away_and_asks_for_everything_then() -> None:
    with RedisServer(tcp=True, acl=acl()) as server:
        portal = Portal(server)
        portal.restore()
        proxy = Proxy(server.port)
        proxy.start()
        try:
            wait_for(lambda: proxy.lines("subscription.alive"), "the subscription")
            with page(proxy, portal.sign_in("demo")) as demo:
                server.kill()
                with page(proxy, "any") as late, pytest.raises(Closed) as closed:
                    late.hear()
                assert closed.value.code == 1013
                server.start()
                assert demo.hear() == {"topic": "all"}
                ring(portal, "notice")
                assert demo.hear()["topic"] == "notice"
        finally:
            proxy.stop()
            portal.redis.close()
            portal.operator.close()


def test_rings_of_one_instance_melt_into_the_newest(listening: Proxy, portal: Portal) -> None:
    """A page hears rising revisions, and the last one for sure."""
    with page(listening, portal.sign_in("demo"), receive_buffer=4096) as demo:
        for revision in range(1, 400):
            ring(portal, "instance", "i-1", revision, ("demo",))
        last = 0
        while last < 399:
            heard = demo.hear()["revision"]
            assert heard > last
            last = heard


@pytest.fixture(autouse=True)
def _no_pages_left(proxy: Proxy) -> Iterator[None]:
    yield
    wait_for(lambda: proxy.metric("asci_proxy_events_pages") == 0, "all pages to be forgotten")


def test_pings_of_a_page_are_answered(listening: Proxy, portal: Portal) -> None:
    with page(listening, portal.sign_in()) as one:
        one.send_frame(b"there?", PING)
        assert one.frame() == (PONG, b"there?")


@pytest.mark.parametrize("opcode", [PING, BINARY])
def test_a_page_that_says_too_much_is_closed(listening: Proxy, portal: Portal, opcode: int) -> None:
    """It is there to listen; a flood would hold up everybody's desktop."""
    with page(listening, portal.sign_in()) as one:
        one.sock.sendall(masked_frame(b"", opcode) * 100)
        assert one.closing().code == 4429
