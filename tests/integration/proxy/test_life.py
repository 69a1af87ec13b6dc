"""Start, health, and the end of the process."""

from __future__ import annotations

import contextlib
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.proxy.browser import Closed, HttpRefused
from tests.integration.proxy.desktop import SERVER_INIT, Desktop, echo
from tests.integration.proxy.portal import Portal, Proxy, secret_of, wait_for
from tests.integration.proxy.test_events import page


@pytest.fixture
def own(redis_server: Any, portal: Portal) -> Any:
    """A proxy that the test may end; it drains for 2 s."""
    proxy = Proxy(redis_server.port, ASCI_PROXY_DRAIN_SECONDS="2")
    proxy.start()
    yield proxy
    proxy.stop()


def test_live_desktops_go_on_until_the_grace_ends_and_then_are_asked_to_come_again(own: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port, page(own, token) as listening:
        first, second = portal.ticket(token, port), portal.ticket(token, port)
        with own.enter(first, token) as browser:
            browser.read(len(SERVER_INIT))
            own.process.send_signal(signal.SIGTERM)
            wait_for(lambda: own.status("/health/ready") == 503, "readiness to say so")
            assert own.status("/health/live") == 200
            with pytest.raises(ConnectionRefusedError):
                own.browser(second, token).connect()
            browser.send(b"still flowing")
            assert browser.read(13) == b"still flowing"
            assert browser.closing().code == 1012
        with pytest.raises(Closed) as closed:
            listening.hear()
        assert closed.value.code == 1012
        assert own.process.wait(10) == 0
    wait_for(lambda: portal.lease(first) is None, "the lease to be removed")


def test_with_nothing_live_it_ends_at_once(own: Proxy, portal: Portal) -> None:
    with page(own, portal.sign_in()) as listening:
        started = time.monotonic()
        own.process.send_signal(signal.SIGTERM)
        with pytest.raises(Closed) as closed:
            listening.hear()
        assert closed.value.code == 1012
    assert own.process.wait(10) == 0
    assert time.monotonic() - started < 2


def test_it_starts_without_redis_and_says_so(portal: Portal) -> None:
    own = Proxy(1)
    own.start(path="/health/live")
    try:
        assert own.status("/health/ready") == 503
        with own.browser("any", "token").connect() as browser:
            assert browser.closing().code == 1013
        own.process.send_signal(signal.SIGTERM)
        assert own.process.wait(15) == 0
    finally:
        own.stop()


@pytest.mark.parametrize(
    ("variable", "value", "word"),
    [
        ("ASCI_REDIS_URL", "", "ASCI_REDIS_URL"),
        ("ASCI_KEY_FILE", "/nowhere", "/nowhere"),
        ("ASCI_PUBLIC_URL", "x", "http"),
    ],
)
def test_wrong_settings_stop_the_start_with_a_plain_line(variable: str, value: str, word: str) -> None:
    own = Proxy(1, **{variable: value})
    ended = subprocess.run(
        [sys.executable, "-m", "asci_proxy"], env=own.environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 2
    assert word in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    shutil.rmtree(own.folder)


def test_metrics_count(own: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port, own.enter(portal.ticket(token, port), token) as browser:
        browser.read(len(SERVER_INIT))
        browser.send(b"12345")
        browser.read(5)
        assert own.metric("asci_proxy_connections") == 1
        assert own.metric("asci_proxy_setups_total") == 1
        assert own.metric('asci_proxy_bytes_total{direction="up"}') == 5
        assert own.metric('asci_proxy_bytes_total{direction="down"}') == len(SERVER_INIT) + 5
        assert own.metric("asci_proxy_handshake_seconds_count") == 1
    with own.browser("unknown", None).connect() as refused:
        refused.closing()
    assert own.metric('asci_proxy_refusals_total{reason="no-cookie"}') == 1
    wait_for(lambda: own.metric('asci_proxy_ends_total{code="1006"}') == 1, "the end to be counted")
    assert own.metric("asci_proxy_connections") == 0
    assert own.metric('asci_proxy_bytes_total{direction="up"}') == 5


def test_out_of_descriptors_it_refuses_and_recovers(own: Proxy, portal: Portal) -> None:
    """Nobody who was refused for want of one is remembered: a drain with nobody on does not wait."""
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port:
        with own.enter(portal.ticket(token, port), token) as browser:
            browser.read(len(SERVER_INIT))
            _, most = resource.prlimit(own.process.pid, resource.RLIMIT_NOFILE)
            for spare in range(1, 7):
                open_now = len(list(Path(f"/proc/{own.process.pid}/fd").iterdir()))
                resource.prlimit(own.process.pid, resource.RLIMIT_NOFILE, (open_now + spare, most))
                knock(own, portal, port, token)
                browser.send(b"unharmed")
                assert browser.read(8) == b"unharmed"
            resource.prlimit(own.process.pid, resource.RLIMIT_NOFILE, (most, most))
            wait_for(lambda: own.status("/health/ready") == 200, "it to answer again")
        wait_for(lambda: own.metric("asci_proxy_connections") == 0, "the first one to be gone")
        with own.enter(portal.ticket(token, port), token) as browser:
            assert browser.read(len(SERVER_INIT)) == SERVER_INIT
    wait_for(lambda: own.metric("asci_proxy_connections") == 0, "the last one to be gone")
    own.process.send_signal(signal.SIGTERM)
    wait_for(lambda: own.process.poll() == 0, "its end")
    assert own.lines("door.shortage"), "it was told"
    assert len(own.log().splitlines()) < 300, "and not at every try"
    assert not [line for line in own.lines("proxy.draining") if line["asci"]["connections"]]


def knock(proxy: Proxy, portal: Portal, port: int, token: str) -> None:
    """Five tries to enter, whatever becomes of them."""
    for _ in range(5):
        with contextlib.suppress(Closed, OSError, PermissionError, HttpRefused):
            proxy.enter(portal.ticket(token, port), token, timeout=1.0).close()
