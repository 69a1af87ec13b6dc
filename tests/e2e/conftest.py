"""One installation for the whole run, started as a person would; people with browsers; evidence when a test fails.

These tests import nothing from the services. They use the installation whose state folder is named by ``--e2e-at`` or
by ASCI_TEST_STATE (as ``scripts/test`` does), else one of their own: ``--e2e-keep`` leaves it up and says where it is,
``--e2e-no-build`` starts it with the images as they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support import browser as browsers
from tests.support.api_caller import ApiCaller
from tests.support.browser import Visitor
from tests.support.composed import Installation, docker
from tests.support.secrets_seen import SecretsSeen

HERE = Path(__file__).parent
STORY = (  # what a person does first, what breaks it then, and last the look for what was left lying about
    "test_first_session",
    "test_sharing",
    "test_pages",
    "test_doors",
    "test_refusals",
    "test_disturbances",
    "test_failures",
    "test_sign_in_limits",
    "test_down_and_up",
    "test_nothing_left",
)
EVIDENCE_FOR = 2
_evidence_given: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("e2e", "whole-system tests")
    group.addoption("--e2e-keep", action="store_true", default=False, help="leave the installation up")
    group.addoption("--e2e-at", default="", metavar="STATE", help="state folder of an installation that is up")
    group.addoption("--e2e-no-build", action="store_true", default=False, help="start with the images as they are")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return STORY.index(item.path.stem) if item.path.parent == HERE else -1

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    installation = getattr(item, "funcargs", {}).get("installation")
    if report.failed and installation is not None and len(_evidence_given) < EVIDENCE_FOR:
        _evidence_given.append(item.nodeid)
        report.sections.append(("the installation", installation.evidence()))
    return report


@dataclass
class People:
    """Who can sign in, and how."""

    passwords: dict[str, str] = field(repr=False)
    cookies: dict[str, Any] = field(default_factory=dict, repr=False)


@pytest.fixture(scope="session")
def secrets_seen() -> SecretsSeen:
    return SecretsSeen()


@pytest.fixture(scope="session")
def installation(pytestconfig: pytest.Config, secrets_seen: SecretsSeen) -> Iterator[Installation]:
    at = pytestconfig.getoption("--e2e-at", default="") or os.environ.get("ASCI_TEST_STATE", "")
    if at:
        one = Installation.standing(secrets_seen, Path(at).resolve())
    else:
        one = Installation(secrets_seen, build=not pytestconfig.getoption("--e2e-no-build", default=False))
    try:
        one.up()
        yield one
    except BaseException as error:
        if not isinstance(error, GeneratorExit):
            print(one.evidence())
        raise
    finally:
        if pytestconfig.getoption("--e2e-keep", default=False):
            one.leave()
            print(f"\nkept: --e2e-at {one.state}  {one.url}")
        else:
            one.clean()


@pytest.fixture(scope="session")
def people(installation: Installation) -> People:
    """demo, admin and mara, who was added with ``make user``."""
    passwords = {name: installation.password(name) for name in ("demo", "admin")}
    return People({**passwords, "mara": installation.add_person("mara", "Mara Lee")})


@pytest.fixture(scope="session")
def calls(
    installation: Installation, people: People, secrets_seen: SecretsSeen
) -> Iterator[Callable[[str], ApiCaller]]:
    """``calls("mara")``: her API calls, signed in once."""
    callers: dict[str, ApiCaller] = {}

    def of(username: str) -> ApiCaller:
        if username not in callers:
            password = people.passwords[username]
            callers[username] = ApiCaller.signed_in(installation.url, secrets_seen, username, password)
        return callers[username]

    yield of
    for caller in callers.values():
        caller.close()


@pytest.fixture(scope="session")
def demo(calls: Callable[[str], ApiCaller]) -> ApiCaller:
    return calls("demo")


@pytest.fixture(scope="session")
def mara(calls: Callable[[str], ApiCaller]) -> ApiCaller:
    return calls("mara")


@pytest.fixture(scope="session")
def desktop(demo: ApiCaller) -> Callable[[], str]:
    """``desktop()``: the id of a desktop of demo's that runs, for tests that leave it running."""
    started: list[str] = []

    def running() -> str:
        if not started or demo.instance(started[-1])["state"] != "running":
            started.append(demo.start("desktop", geometry="1280x752")["id"])
        demo.wait_state(started[-1], "running", within=90)
        return started[-1]

    return running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = browsers.launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(
    installation: Installation,
    people: People,
    secrets_seen: SecretsSeen,
    browser: Browser,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., Visitor]]:
    """``visit("demo")``: a browser window of hers, signed in; ``visit()``: a stranger's. No page may complain."""
    windows: list[Visitor] = []

    def open_window(username: str = "", *, fresh: bool = False, **options: Any) -> Visitor:
        cookies = people.cookies.get(username) if username and not fresh else None
        window = Visitor(browser, installation.url, secrets_seen, cookies=cookies or (), **options)
        windows.append(window)
        if username and not cookies:
            window.sign_in(username, people.passwords[username])
            if not fresh:
                people.cookies[username] = window.context.cookies()
        window.username = username
        return window

    yield open_window
    failed = getattr(request.node, "failed_in_call", False)
    complaints = [f"{w.username or 'stranger'}: {words}" for w in windows for words in w.complaints]
    for number, window in enumerate(windows):
        if failed:
            window.picture(f"failed-{request.node.name}-{number}")
        window.close()
    assert not complaints, "\n".join(complaints)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    try:
        return (yield)
    except BaseException:
        item.failed_in_call = True  # type: ignore[attr-defined]
        raise


@pytest.fixture(scope="session", autouse=True)
def _whole_system_can_run() -> None:
    docker("version")
    assert browsers.AXE.exists(), "axe-core is not there: scripts/gather-npm"
