"""Two worker processes behind one port."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from tests.integration.proxy.browser import Browser
from tests.integration.proxy.desktop import SERVER_INIT, Desktop, echo
from tests.integration.proxy.portal import Portal, Proxy, secret_of, wait_for
from tests.integration.proxy.test_events import page

MOST = 64
"""Connections until both workers have some; the kernel spreads them."""


@pytest.fixture
def two(redis_server: Any, portal: Portal) -> Iterator[Proxy]:
    proxy = Proxy(
        redis_server.port,
        ASCI_PROXY_WORKERS="2",
        ASCI_PROXY_NAME="p",
        ASCI_PROXY_DRAIN_SECONDS="1",
        ASCI_PROXY_PERSON_BURST="0",
    )
    proxy.start()
    yield proxy
    proxy.stop()


def workers_of(proxy: Proxy) -> dict[str, int]:
    """Process ids by the workers' names."""
    children = f"/proc/{proxy.process.pid}/task/{proxy.process.pid}/children"
    found = {}
    with open(children) as file:  # noqa: PTH123
        for number in map(int, file.read().split()):
            # one that died is a child until its parent has looked
            with suppress(ProcessLookupError, FileNotFoundError), open(f"/proc/{number}/environ", "rb") as environ:  # noqa: PTH123
                for entry in environ.read().split(b"\0"):
                    if entry.startswith(b"ASCI_PROXY_WORKER="):
                        found[f"p-{entry.split(b'=')[1].decode()}"] = number
    return found


def enter_until_both_are_used(
    proxy: Proxy, portal: Portal, port: int, token: str, stack: ExitStack
) -> dict[str, Browser]:
    """A viewer of each worker, by the worker's name."""
    of_worker: dict[str, Browser] = {}
    for _ in range(MOST):
        ticket = portal.ticket(token, port)
        browser = stack.enter_context(proxy.enter(ticket, token))
        browser.read(len(SERVER_INIT))
        wait_for(lambda ticket=ticket: portal.lease(ticket), "the lease")
        lease = portal.lease(ticket)
        assert lease is not None
        of_worker.setdefault(lease.proxy, browser)
        if len(of_worker) == 2:
            return of_worker
    raise AssertionError(f"all {MOST} connections came to {list(of_worker)}")


def still_flows(browser: Browser) -> bool:
    browser.send(b"echo")
    return browser.read(4) == b"echo"


def test_one_that_dies_is_started_again_and_the_other_goes_on(two: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port, ExitStack() as stack:
        viewers = enter_until_both_are_used(two, portal, port, token, stack)
        assert set(viewers) == {"p-1", "p-2"}
        before = workers_of(two)
        os.kill(before["p-1"], signal.SIGKILL)
        wait_for(lambda: workers_of(two).get("p-1", before["p-1"]) != before["p-1"], "the worker to be started again")
        assert still_flows(viewers["p-2"])
        assert workers_of(two)["p-2"] == before["p-2"]
        wait_for(lambda: two.status("/health/live") == 200, "both to answer")
        (died,) = two.lines("worker.died")
        assert (died["asci"]["worker"], died["asci"]["code"]) == (1, -signal.SIGKILL)
        enter_until_both_are_used(two, portal, port, token, stack)


def test_nobody_is_refused_while_one_is_away(two: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port, ExitStack() as stack:
        os.kill(workers_of(two)["p-2"], signal.SIGKILL)
        for _ in range(12):
            browser = stack.enter_context(two.enter(portal.ticket(token, port), token))
            browser.read(len(SERVER_INIT))


def test_metrics_tell_whose_they_are(two: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port, ExitStack() as stack:
        enter_until_both_are_used(two, portal, port, token, stack)
        for number in (1, 2):
            assert two.metric(f'asci_proxy_setups_total{{worker="{number}"}}') >= 1
            assert two.metric(f'asci_proxy_connections{{worker="{number}"}}') >= 1


def test_a_revocation_reaches_all_workers(two: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port, ExitStack() as stack:
        viewers = enter_until_both_are_used(two, portal, port, token, stack)
        portal.revoke("instance", 4404, instance="i-test")
        for browser in viewers.values():
            assert browser.closing().code == 4404


def test_all_drain_when_the_parent_is_asked_to_end(two: Proxy, portal: Portal) -> None:
    token = portal.sign_in()
    with Desktop(secret_of(), echo).listening() as port, ExitStack() as stack:
        viewers = enter_until_both_are_used(two, portal, port, token, stack)
        listening = stack.enter_context(page(two, token))
        late = portal.ticket(token, port)
        two.process.send_signal(signal.SIGTERM)
        wait_for(lambda: two.status("/health/ready") == 503, "readiness to say so")
        wait_for(lambda: len(two.lines("proxy.draining")) == 2, "the workers to drain")
        with pytest.raises(OSError):  # noqa: PT011  (refused, or reset where a worker was about to close)
            two.browser(late, token).connect()
        for browser in viewers.values():
            assert browser.closing().code == 1012
        assert listening is not None
        assert two.process.wait(15) == 0
    assert two.lines("workers.stopped")


def test_they_end_when_their_parent_was_killed(two: Proxy, portal: Portal) -> None:
    numbers = workers_of(two).values()
    assert len(numbers) == 2
    two.process.kill()
    two.process.wait()

    def gone(number: int) -> bool:
        try:
            with open(f"/proc/{number}/stat") as file:  # noqa: PTH123
                return file.read().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True

    wait_for(lambda: all(map(gone, numbers)), "the workers to end")
