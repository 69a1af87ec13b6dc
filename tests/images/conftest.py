"""The contract of its kind is asked of every environment's image on this machine: what is built on a base inherits its
tests. ``image`` is a desktop's, ``web_image`` a web application's.

Those tagged ASCI_TAG (dev) count; ASCI_TEST_IMAGES names others, separated by commas. Without an engine or an image
these tests fail: they are about both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.desktop_container import DesktopContainer, Engine, Person
from tests.support.desktop_picture import wait_complete_frame

StartDesktop = Callable[..., DesktopContainer]


def _images() -> list[str]:
    named = os.environ.get("ASCI_TEST_IMAGES", "")
    if named:
        return [name.strip() for name in named.split(",")]
    with Engine() as engine:
        tag = os.environ.get("ASCI_TAG", "dev")
        return engine.images_of_kind("desktop", tag) or [f"asci/env-desktop:{tag}"]


def _web_images() -> list[str]:
    with Engine() as engine:
        tag = os.environ.get("ASCI_TAG", "dev")
        return engine.images_of_kind("web", tag) or [f"asci/env-jupyter:{tag}"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "image" in metafunc.fixturenames:
        metafunc.parametrize("image", _images(), scope="session")
    if "web_image" in metafunc.fixturenames:
        metafunc.parametrize("web_image", _web_images(), scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Shows each desktop of a test that failed: its state, its log and its processes."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.failed and call.when == "call":
        used = [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, DesktopContainer)]
        for desktop in {desktop.id: desktop for desktop in [*used, *getattr(item, "_desktops", [])]}.values():
            report.sections.append(("desktop", desktop.describe()))
    return report  # type: ignore[return-value]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@pytest.fixture
def homes(engine: Engine, image: str, tmp_path: Path) -> Iterator[Path]:
    """A folder of homes on the host, emptied at the end whoever owns what is in it."""
    folder = tmp_path / "homes"
    folder.mkdir()
    yield folder
    engine.empty(image, folder)


@pytest.fixture
def start(engine: Engine, image: str, homes: Path, request: pytest.FixtureRequest) -> Iterator[StartDesktop]:
    """Starts desktops of the image, each with its home made and its passwords set; all are removed at the end."""
    desktops: list[DesktopContainer] = []
    request.node._desktops = desktops

    def start_desktop(
        person: Person | None = None,
        *,
        home: Path | None = None,
        home_mode: str = "rw",
        with_passwords: bool = True,
        **environment: str,
    ) -> DesktopContainer:
        owner = person or Person()
        if home is None and home_mode != "none":
            said = engine.make_home(image, homes, owner)
            assert said.status == 0, said.text
            home = homes / owner.username
        desktop = engine.start_desktop(image, owner, home, _variables(environment), home_mode=home_mode)
        desktops.append(desktop)
        desktop.wait_banner()
        if with_passwords:
            desktop.set_passwords()
        return desktop

    yield start_desktop
    for desktop in desktops:
        desktop.remove()


@pytest.fixture
def desktop(start: StartDesktop) -> DesktopContainer:
    """A fresh desktop with everything at its default."""
    return start()


@pytest.fixture(scope="session")
def shared_desktop(engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DesktopContainer]:
    """One desktop for all tests that only look, or leave it as they found it."""
    folder = tmp_path_factory.mktemp("homes")
    person = Person()
    said = engine.make_home(image, folder, person)
    assert said.status == 0, said.text
    desktop = engine.start_desktop(image, person, folder / person.username)
    desktop.wait_banner()
    desktop.set_passwords()
    with desktop.connect() as viewer:
        wait_complete_frame(viewer)
    yield desktop
    desktop.remove()
    engine.empty(image, folder)


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    """geometry="800x600" becomes ASCI_GEOMETRY; names in capitals stay."""
    return {name if name.isupper() else f"ASCI_{name.upper()}": value for name, value in environment.items()}
