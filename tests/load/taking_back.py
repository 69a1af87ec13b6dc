"""How fast a right that is taken away closes its socket, and a page comes back after a cut."""

from __future__ import annotations

import re
import time

from playwright.sync_api import expect

from tests.load.numbers import Figure, median_of
from tests.load.room import GUEST, Room
from tests.support.edge_viewer import enter

REVOCATIONS = 15
CUTS = 3
CUT = 12.0
"""Seconds of silence; the page notices before they are over."""


def measure(room: Room) -> list[Figure]:
    """On one desktop of demo's."""
    name = room.demo.start("desktop", geometry="1280x752")["id"]
    room.demo.wait_state(name, "running", within=60)
    try:
        return [*_revoked(room, name), *_cut(room, name)]
    finally:
        room.demo.stop(name)


def _revoked(room: Room, name: str) -> list[Figure]:
    taken = []
    for number in range(REVOCATIONS):
        mode = ("view", "control")[number % 2]
        room.demo.put(f"/instances/{name}/shares/{GUEST}", {"mode": mode})
        with enter(room.guest, name, mode) as viewer:
            viewer.rfb.wait_frame()
            asked = time.monotonic()
            room.demo.delete(f"/instances/{name}/shares/{GUEST}")
            taken.append(1000 * (viewer.wait_closed(within=5) - asked))
        time.sleep(0.5)
    return [median_of("share revoked to the guest's socket closed", taken, "ms", 1000)]


def _cut(room: Room, name: str) -> list[Figure]:
    window = room.visitor()
    window.open(name)
    window.wait_desktop()
    state = window.page.locator("#state")
    back = []
    for _ in range(CUTS):
        room.installation.pause("edge")
        window.page.wait_for_timeout(CUT * 1000)
        room.installation.unpause("edge")
        returned = time.monotonic()
        expect(state).to_contain_text(re.compile("Connected"), timeout=20000)
        expect(window.page.locator("#over")).to_be_hidden()
        back.append(time.monotonic() - returned)
        window.page.wait_for_timeout(1000)
    window.close()
    return [median_of("network back to a live picture", back, "s", 2, f"{CUT:.0f} s of silence")]
