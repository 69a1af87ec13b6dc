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
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.support import browser as browsers
from tests.support.api_caller import ApiCaller
from tests.support.browser import Visitor
from tests.support.composed import ROOT, Installation, docker
from tests.support.dresses import judge
from tests.support.eventually import eventually
from tests.support.secrets_seen import SecretsSeen

HERE = Path(__file__).parent
STORY = (  # what a person does first, what breaks it then, and last the look for what was left lying about
    "test_first_session",
    "test_sharing",
    "test_pages",
    "test_admin",
    "test_web_kind",
    "test_doors",
    "test_refusals",
    "test_disturbances",
    "test_failures",
    "test_sign_in_limits",
    "test_down_and_up",
    "test_nothing_left",
)
EVIDENCE_FOR = 2
FOR_THE_README = {"1-home-light-1280": "portal", "3-desktop-terminal": "desktop"}
OVERCOMMIT = 4  # how often a core may be promised, as installations come
_evidence_given: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("e2e", "whole-system tests")
    group.addoption("--e2e-keep", action="store_true", default=False, help="leave the installation up")
    group.addoption("--e2e-at", default="", metavar="STATE", help="state folder of an installation that is up")
    group.addoption("--e2e-pictures", action="store_true", default=False, help="renew the README's pictures")
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


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With ``--e2e-pictures`` the README's pictures are renewed, small enough for everybody's clone."""
    if not session.config.getoption("--e2e-pictures", default=False):
        return
    for taken, kept in FOR_THE_README.items():
        picture = Image.open(browsers.PICTURES / f"{taken}.png").convert("RGB")
        target = ROOT / "docs" / "pictures" / f"{kept}.png"
        picture.save(target, optimize=True)


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
def running_desktop(demo: ApiCaller) -> Callable[[], str]:
    """The id of a desktop of demo's that runs, started when first asked for, or when the last one is gone."""
    started: list[str] = []

    def running() -> str:
        if not started or demo.instance(started[-1])["state"] != "running":
            started.append(demo.start("desktop", geometry="1280x752")["id"])
        demo.wait_state(started[-1], "running", within=90)
        return started[-1]

    return running


@pytest.fixture
def desktop(running_desktop: Callable[[], str], installation: Installation) -> Callable[[], str]:
    """``desktop()``: the same for tests that leave it running; no window of an earlier test is open on it."""
    installation.close_windows(running_desktop())
    return running_desktop


@pytest.fixture(scope="session")
def trial_environments(installation: Installation, demo: ApiCaller) -> None:
    """Environments that misbehave, for this installation alone: broken, slow, whole, giant, gone."""
    cores = int(docker("info", "--format", "{{.NCPU}}"))
    small = {"cpus": 0.5, "memory": "256 MiB"}
    for name, title, needs, lines in (
        ("broken", "Broken desktop", small, 'ENTRYPOINT ["sh", "-c", "echo no screen today; exit 3"]'),
        ("slow", "Slow desktop", small, 'ENTRYPOINT ["/usr/bin/tini", "--", "sleep", "600"]'),
        ("whole", "The whole machine", {"cpus": cores * OVERCOMMIT, "memory": "1 GiB"}, ""),
        ("giant", "Giant desktop", {"cpus": 1000, "memory": "1 GiB"}, ""),
        ("gone", "Gone desktop", small, ""),
    ):
        entry = {"name": name, "title": title, "description": f"{title}, for tests.", "icon": "monitor"}
        installation.add_environment(
            {**entry, "tags": ["trial"], "kind": "desktop", "port": 5901, "needs": needs}, lines
        )

    def listed() -> bool:
        names = {environment["name"] for environment in demo.get("/environments").json()["items"]}
        return {"broken", "slow", "whole", "giant", "gone"} <= names

    eventually(listed, within=30, what="the trial environments in the catalogue")


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


@pytest.fixture
def good() -> Iterator[Callable[[Visitor, str], None]]:
    """``good(window, name)`` judges; all that was found fails the test at its end, so that one run tells everything."""
    found: list[str] = []
    yield lambda window, name: found.extend(judge(window, name))
    assert not found, "\n".join(found)


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
