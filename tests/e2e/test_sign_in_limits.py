"""Guessing passwords: who tries too often waits, and is told for how long; others sign in meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.conftest import People
from tests.support.api_caller import ApiCaller
from tests.support.browser import Visitor
from tests.support.composed import Installation
from tests.support.secrets_seen import SecretsSeen


def test_who_guesses_waits(
    visit: Callable[..., Visitor], installation: Installation, people: People, secrets_seen: SecretsSeen
) -> None:
    password = installation.add_person("vera", "Vera Lind")
    stranger = ApiCaller(installation.url, secrets_seen)
    answers = [stranger.post("/sessions", {"username": "vera", "password": f"guess-number-{n}"}) for n in range(8)]
    codes = [answer.status_code for answer in answers]
    assert codes[0] == 401
    assert codes[-1] == 429, codes
    refused = answers[-1].json()
    assert refused["type"] == "/problems/too-many-tries"
    assert 0 < refused["retry_after"] <= 120
    assert int(answers[-1].headers["Retry-After"]) > 0
    # not even the right password gets in while she waits: otherwise guessing would go on
    assert stranger.post("/sessions", {"username": "vera", "password": password}).status_code == 429
    # and nobody else waits with her
    ApiCaller.signed_in(installation.url, secrets_seen, "mara", people.passwords["mara"]).close()

    window = visit()
    with window.tolerating("status of 429"):
        window.page.goto("/sign-in")
        window.page.get_by_label("User name").fill("vera")
        window.page.get_by_label("Password").fill(password)
        window.page.get_by_role("button", name="Sign in").click()
        expect(window.page.get_by_role("alert")).to_contain_text(re.compile(r"Too many tries\. Try again in \d+"))
        window.picture("sign-in-wait")
