"""Redis behind a wire that falls silent, as when its host dies: nobody is told, so the proxy must find out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from asci_proxy import subscription
from tests.integration.proxy.browser import Browser
from tests.integration.proxy.desktop import SERVER_INIT, Desktop, echo
from tests.integration.proxy.portal import Portal, Proxy, secret_of, wait_for
from tests.support.redis_server import RedisServer
from tests.support.stalling_wire import StallingWire

NOTICED_WITHIN = 10.0
"""Seconds in which a dead subscription must be found (docs/reference/connect.md)."""


@pytest.fixture
def wire(redis_server: RedisServer) -> Iterator[StallingWire]:
    wire = StallingWire(("127.0.0.1", redis_server.port))
    yield wire
    wire.close()


@pytest.fixture
def behind(wire: StallingWire) -> Iterator[Proxy]:
    """A proxy that looks for tombstones once in ten minutes: what it learns, it learns from the subscription."""
    proxy = Proxy(wire.port, ASCI_PROXY_BEAT_SECONDS="600")
    proxy.start()
    wait_for(lambda: proxy.lines("subscription.alive"), "the subscription")
    yield proxy
    proxy.stop()


@pytest.fixture
def port() -> Iterator[int]:
    with Desktop(secret_of(), echo).listening() as port:
        yield port


def test_the_deadlines_add_up() -> None:
    """Silence is judged at a probe; one may be due right before the time is up."""
    assert subscription.SILENT_SECONDS + subscription.PROBE_SECONDS < NOTICED_WITHIN


def test_a_silently_dead_subscription_is_found_and_made_again_and_what_was_missed_bites(
    behind: Proxy, wire: StallingWire, portal: Portal, port: int
) -> None:
    token, other = portal.sign_in(), portal.sign_in("other")
    with (
        Desktop(secret_of("i-other"), echo).listening() as other_port,
        behind.enter(portal.ticket(token, port), token) as hit,
        behind.enter(portal.ticket(other, other_port, username="other", instance="i-other"), other) as bystander,
    ):
        assert (hit.read(len(SERVER_INIT)), bystander.read(len(SERVER_INIT))) == (SERVER_INIT, SERVER_INIT)
        silent_since = time.time()
        assert wire.stall(_is_subscription) == 1
        portal.revoke("instance", 4404, instance="i-test")
        assert _echoes(hit, b"not told yet"), "nobody could know"
        assert hit.closing().code == 4404
        (lost,) = behind.lines("subscription.lost")
        assert _when(lost) - silent_since <= NOTICED_WITHIN
        assert behind.metric("asci_proxy_subscription_rebuilds_total") == 1
        assert _echoes(bystander, b"unharmed")
        portal.revoke("instance", 4404, publish=True, instance="i-other")
        assert bystander.closing().code == 4404, "the new subscription hears pushes"


def test_with_all_lines_silent_streams_go_on_and_new_ones_are_told_to_try_later(
    behind: Proxy, wire: StallingWire, portal: Portal, port: int
) -> None:
    token = portal.sign_in()
    with behind.enter(portal.ticket(token, port), token) as browser:
        browser.read(len(SERVER_INIT))
        assert wire.stall() >= 2
        with behind.browser(portal.ticket(token, port), token).connect() as refused:
            assert _echoes(browser, b"meanwhile")
            closed = refused.closing()
            assert (closed.code, closed.reason) == (1013, "ASCI cannot check your right just now.")
        assert behind.lines("store.away")
        with behind.enter(portal.ticket(token, port), token) as again:
            assert again.read(len(SERVER_INIT)) == SERVER_INIT, "a new line is made for the next question"
        assert _echoes(browser, b"all the while")


def test_a_frozen_redis_refuses_new_ones_and_takes_them_when_it_thaws(
    behind: Proxy, redis_server: RedisServer, portal: Portal, port: int
) -> None:
    token = portal.sign_in()
    tickets = [portal.ticket(token, port) for _ in range(2)]
    redis_server.freeze()
    try:
        with behind.browser(tickets[0], token).connect() as refused:
            assert refused.closing().code == 1013
        assert behind.status("/health/ready") == 503
        assert behind.status("/health/live") == 200
    finally:
        redis_server.thaw()
    with behind.enter(tickets[1], token) as browser:
        assert browser.read(len(SERVER_INIT)) == SERVER_INIT
    assert behind.status("/health/ready") == 200


def _is_subscription(sent: bytes) -> bool:
    return b"SUBSCRIBE" in sent.upper()


def _echoes(browser: Browser, words: bytes) -> bool:
    browser.send(words)
    return browser.read(len(words)) == words


def _when(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["@timestamp"]).timestamp()
