"""What the proxy tells: one line for each connection, every metric of the page, and no secret anywhere."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from asci_shared import passwords
from asci_shared import redis_contract as contract
from tests.integration.proxy.browser import CLOSE, Browser, Closed, HttpRefused
from tests.integration.proxy.desktop import SERVER_INIT, Desktop, echo, hold
from tests.integration.proxy.portal import KEY, PASSWORDS, Portal, Proxy, free_port, hash_of, secret_of, wait_for
from tests.support.metrics_page import promised, reasons
from tests.support.secrets_seen import SecretsSeen


@pytest.fixture
def own(redis_server: Any, portal: Portal) -> Iterator[Proxy]:
    """A proxy of the test's own, whose log is all of the test's making."""
    proxy = Proxy(redis_server.port, ASCI_PROXY_HANDSHAKE_SECONDS="1", ASCI_PROXY_DIAL_SECONDS="0.5")
    proxy.start()
    yield proxy
    proxy.stop()


def test_a_browser_makes_no_series_of_its_own(own: Proxy, portal: Portal) -> None:
    with Desktop(secret_of(), hold).listening() as port:
        token = portal.sign_in()
        for code in (4403, 4999):
            one = portal.ticket(token, port)
            with own.enter(one, token) as browser:
                browser.read(len(SERVER_INIT))
                browser.send_frame(code.to_bytes(2, "big"), CLOSE)
                assert ended(own, one)["code"] == code
    assert own.metric('asci_proxy_ends_total{code="other"}') == 2
    assert own.metric('asci_proxy_ends_total{code="4403"}') == 0


def ended(proxy: Proxy, ticket: contract.Ticket) -> dict[str, Any]:
    """The one line of a connection's end."""

    def lines() -> list[dict[str, Any]]:
        return [line for line in proxy.lines("connection.ended") if line["asci"]["connection"] == ticket.connection]

    wait_for(lines, "the end to be told")
    (line,) = lines()
    assert line["http.request.id"] == ticket.request_id, "under the click that asked for it"
    facts: dict[str, Any] = line["asci"]
    return facts


def test_the_end_of_a_connection_is_one_line_with_all_that_one_asks(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in("ada")
    with Desktop(secret_of(mode="view"), echo).listening() as port:
        ticket = portal.ticket(token, port, username="ada", mode="view")
        with proxy.enter(ticket, token) as browser:
            browser.read(len(SERVER_INIT))
            browser.send(b"12345")
            browser.read(5)
            browser.send_frame((1001).to_bytes(2, "big") + b"away", CLOSE)
            browser.closing()
    line = ended(proxy, ticket)
    assert 0 <= line.pop("seconds") < 60
    assert line == {
        "connection": ticket.connection, "person": "ada", "instance": "i-test", "mode": "view",
        "bytes_down": len(SERVER_INIT) + 5, "bytes_up": 5, "by": "browser", "code": 1001, "reason": "away",
    }  # fmt: skip
    (opened,) = [one for one in proxy.lines("connection.opened") if one["asci"]["connection"] == ticket.connection]
    assert (opened["asci"]["person"], opened["asci"]["asked_in"]) == ("ada", ticket.request_id)


def test_every_way_to_end_tells_who_and_why(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), hold).listening() as port, Desktop(secret_of(), lambda _: None).listening() as leaving:
        revoked, gone, ended_itself = (portal.ticket(token, at) for at in (port, port, leaving))
        with proxy.enter(revoked, token) as browser:
            portal.revoke("connection", 4409, connection=revoked.connection)
            browser.closing()
        proxy.enter(gone, token).close()
        with proxy.enter(ended_itself, token) as browser:
            browser.closing()
    facts = [ended(proxy, ticket) for ticket in (revoked, gone, ended_itself)]
    assert [(one["by"], one["code"]) for one in facts] == [("proxy", 4409), ("browser", 1006), ("proxy", 4502)]
    assert facts[0]["reason"] == "connection was taken away"
    assert facts[2]["reason"] == "vnc: The desktop closed the connection."


def test_metrics_are_those_of_the_page_with_their_labels(own: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port, own.enter(portal.ticket(token, port), token) as browser:
        browser.read(len(SERVER_INIT))
        with own.browser("none", None).connect() as refused:
            refused.closing()
        wait_for(lambda: own.metric("asci_proxy_presence_lag_seconds_count") >= 1, "presence to be written")
    wait_for(lambda: own.metric('asci_proxy_ends_total{code="1006"}') == 1, "the end to be counted")
    page = promised()
    for family in text_string_to_metric_families(own.inward("/metrics")[1]):
        kind, labels = page[family.name + "_total" * (family.type == "counter")]
        assert family.type == kind
        for sample in family.samples:
            assert tuple(sorted(set(sample.labels) - {"le"})) == labels, family.name


def test_bytes_handshakes_and_round_trips_are_counted_as_they_are(own: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port:
        for _ in range(2):
            with own.enter(portal.ticket(token, port), token) as browser:
                browser.read(len(SERVER_INIT))
                browser.send(bytes(1000))
                browser.read(1000)
    wait_for(lambda: own.metric('asci_proxy_ends_total{code="1006"}') == 2, "the ends to be counted")
    assert own.metric("asci_proxy_handshake_seconds_count") == own.metric("asci_proxy_setups_total") == 2
    assert own.metric('asci_proxy_bytes_total{direction="up"}') == 2000
    assert own.metric('asci_proxy_bytes_total{direction="down"}') == 2 * (len(SERVER_INIT) + 1000)
    wait_for(lambda: own.metric("asci_proxy_loop_lag_seconds_count") > 0, "the loop to be watched")


# -- no secret anywhere --


class Wanderer:
    """Goes every way that ends badly, and remembers all that must not be told."""

    def __init__(self, proxy: Proxy, portal: Portal) -> None:
        self.proxy, self.portal = proxy, portal
        self.secrets = SecretsSeen()
        self.secrets.add(KEY.decode(), "the key")
        for name, word in PASSWORDS.items():
            self.secrets.add(word, f"the Redis password of {name}")

    def signed_in(self, username: str = "demo") -> str:
        token = self.secrets.add(self.portal.sign_in(username), "a sign-in token")
        self.secrets.add(hash_of(token), "a sign-in token's hash")
        return token

    def ticket(self, token: str, port: int, **changes: Any) -> contract.Ticket:
        ticket = self.portal.ticket(token, port, **changes)
        self.secrets.add(passwords.one_time_password(KEY, ticket.connection), "a one-time password")
        self.secrets.add(secret_of(ticket.instance, ticket.mode, ticket.generation), "a desktop's secret")
        return ticket

    def fails(self, ticket: contract.Ticket | str, token: str | None, password: str = "", **changes: Any) -> None:
        """Comes to a bad end somewhere on the way."""
        ways = (Closed, HttpRefused, PermissionError, OSError)
        with contextlib.suppress(*ways), self.proxy.browser(ticket, token, **changes) as browser:
            browser.connect()
            if password:
                browser.authenticate(password)
            browser.closing()

    def password(self, ticket: contract.Ticket) -> str:
        return passwords.one_time_password(KEY, ticket.connection)


def test_nothing_that_is_told_holds_a_secret(own: Proxy, portal: Portal) -> None:
    on = Wanderer(own, portal)
    token = on.signed_in()
    with Desktop(secret_of(), hold).listening() as port, Desktop(secret_of(generation=9), hold).listening() as other:
        on.fails(on.ticket(token, port), on.signed_in("mallory"))
        on.fails(on.ticket(token, port), None)
        on.fails(on.ticket(token, port), token, origin=f"http://{token}.example")
        on.fails(on.ticket(token, port), token, headers={"Sec-WebSocket-Key": token})
        on.fails(on.ticket(token, port), token, headers={"X-Forwarded-For": token, "Authorization": f"Bearer {token}"})
        on.fails(on.ticket(token, port, kind="web"), token)
        on.fails(f"unknown?token={token}", token)
        on.fails(f"unknown/{token}", token)
        on.fails(on.ticket(token, port), token, password="wrong---")
        for at in (free_port(), other):
            ticket = on.ticket(token, at)
            on.fails(ticket, token, on.password(ticket))
        ticket = on.ticket(token, port)
        with own.enter(ticket, token) as browser:
            _break_frames(browser, token)
        ticket = on.ticket(token, port)
        with own.enter(ticket, token):
            portal.revoke("token", 4401, token=hash_of(token))
            wait_for(lambda: own.lines("revocation.applied"), "the revocation")
    portal.redis.publish(contract.CHANNEL_REVOKED, json.dumps({"token": token}))
    portal.redis.publish(contract.CHANNEL_RING, json.dumps({"topic": token}))
    wait_for(lambda: own.lines("ring.unreadable") or own.lines("revocation.unreadable"), "the unreadable ones")
    portal.operator.client_kill_filter(_type="normal", skipme=True)
    on.fails("after", token)
    said, metrics = own.log(), own.inward("/metrics")[1]
    refused = {line["asci"]["reason"] for line in own.lines("connection.refused")}
    assert {"foreign-token", "no-cookie", "foreign-origin", "not-a-websocket", "ticket-kind"} <= refused
    assert refused <= set(reasons())
    assert len(on.secrets) > 20
    assert on.secrets.found_in(said.encode()) == []
    assert on.secrets.found_in(metrics.encode()) == []
    assert "Traceback" not in said


def _break_frames(browser: Browser, token: str) -> None:
    browser.read(len(SERVER_INIT))
    browser.send_frame(token.encode(), 1)
    browser.closing()
