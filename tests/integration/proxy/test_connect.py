"""Opening a connection: every right way and every wrong one, seen from the browser."""

from __future__ import annotations

from tests.integration.proxy.desktop import SERVER_INIT, Desktop, echo
from tests.integration.proxy.portal import Portal, Proxy, secret_of


def test_bytes_flow_both_ways_after_both_authentications(proxy: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    desktop = Desktop(secret_of(), echo)
    with desktop.listening() as port, proxy.enter(portal.ticket(token, port), token) as browser:
        assert "sec-websocket-protocol: binary" in browser.head.lower()
        assert browser.read(len(SERVER_INIT)) == SERVER_INIT
        browser.send(b"hello")
        assert browser.read(5) == b"hello"
        assert desktop.client_inits == [b"\x01"], "the shared flag is always set"
