"""How fast the API answers over the edge, and what the portal's first page weighs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from tests.load.numbers import Figure, median_of, percentile
from tests.load.room import Room
from tests.support.browser import Visitor

CALLS = 200
STARTS = 20
PAGES = 7


def api(room: Room) -> list[Figure]:
    """95 of 100 answers, one caller, connection kept: lists with some instances in them, and starts."""
    running = room.demo.start("desktop")["id"]
    room.demo.wait_state(running, "running", within=60)
    figures = [
        _answers(f"GET {path}, 95 of 100 answers", lambda path=path: room.demo.get(path).status_code, CALLS)  # type: ignore[misc]
        for path in ("/instances", "/environments", "/me")
    ]
    room.demo.stop(running)
    return [*figures, _starts(room)]


def _answers(what: str, ask: Callable[[], int], count: int) -> Figure:
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        assert ask() == 200
        taken.append(1000 * (time.perf_counter() - began))
    return Figure(what, percentile(taken, 0.95), "ms", 50, f"median {statistics.median(taken):.1f} ms, {count} times")


def _starts(room: Room) -> Figure:
    taken = []
    for _ in range(STARTS):
        began = time.perf_counter()
        name = room.demo.start("desktop")["id"]
        taken.append(1000 * (time.perf_counter() - began))
        room.demo.delete(f"/instances/{name}")
        room.demo.wait_state(name, "stopped", "failed", within=30)
    beside = f"median {statistics.median(taken):.1f} ms, {STARTS} times"
    return Figure("POST /instances, 95 of 100 answers", percentile(taken, 0.95), "ms", 50, beside)


def first_page(room: Room) -> list[Figure]:
    """The page "My sessions", nothing cached, by the browser's own count of bytes and its first contentful paint."""
    cookies = room.visitor()
    signed_in = cookies.context.cookies()
    cookies.close()
    weights, counts, paints = [], [], []
    for _ in range(PAGES):
        window = Visitor(room.browser, room.installation.url, room.seen, cookies=signed_in)
        kilobytes, requests = _load(window)
        weights.append(kilobytes)
        counts.append(requests)
        entry = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
        paints.append(float(window.evaluate(entry)))
        window.close()
    return [
        median_of("first page, nothing cached, over the wire", weights, "kB", 150, f"{max(counts)} requests"),
        median_of("first page, nothing cached, first paint", paints, "ms", 300),
    ]


def _load(window: Visitor) -> tuple[float, int]:
    """Loads the page and gives its kilobytes on the wire and its requests."""
    received: list[float] = []
    tools = window.context.new_cdp_session(window.page)
    tools.on("Network.loadingFinished", lambda event: received.append(float(event["encodedDataLength"])))
    tools.send("Network.enable")
    window.page.goto("/", wait_until="networkidle")
    return sum(received) / 1000, len(received)
