"""Where benchmarks happen: an installation that is up, a person who is signed in, a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.support import browser as browsers
from tests.support.api_caller import ApiCaller
from tests.support.browser import Visitor
from tests.support.composed import Installation
from tests.support.secrets_seen import SecretsSeen

GUEST = "mara"


@dataclass(frozen=True)
class Room:
    """What every measurement needs."""

    installation: Installation
    browser: Browser
    seen: SecretsSeen
    demo: ApiCaller
    guest: ApiCaller

    def visitor(self) -> Visitor:
        """Demo before a fresh browser window, signed in."""
        window = Visitor(self.browser, self.installation.url, self.seen)
        window.sign_in("demo", self.installation.password("demo"))
        return window


@contextmanager
def opened(state: Path) -> Iterator[Room]:
    """The room in the installation of a state folder; what ran is stopped on both ends."""
    seen = SecretsSeen()
    installation = Installation.standing(seen, state, behind_door=False)
    demo = ApiCaller.signed_in(installation.url, seen, "demo", installation.password("demo"))
    guest = ApiCaller.signed_in(installation.url, seen, GUEST, installation.add_person(GUEST, "Mara Lee"))
    with sync_playwright() as playwright:
        chromium = browsers.launch(playwright)
        try:
            demo.stop_all()
            yield Room(installation, chromium, seen, demo, guest)
        finally:
            demo.stop_all()
            demo.close()
            guest.close()
            chromium.close()
