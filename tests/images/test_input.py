"""Keys and clipboard: what a person types or copies arrives, sign by sign."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.images.conftest import StartDesktop
from tests.support.desktop_container import DesktopContainer, Said
from tests.support.desktop_picture import wait_complete_frame
from tests.support.rfb_client import RfbClient

TORTURE = "aZ09 ß é ü Ñ € Ω я 日 {}[]|\\~@#$%^&*<>'\"`/?"
COPIED = "naïve Ω 日本語 €\nsecond line 😀"


@pytest.mark.parametrize("layout", ["us", "de", "fr", "us(intl)"])
def test_typing_is_exact_under_every_layout(start: StartDesktop, layout: str) -> None:
    desktop = start(layout=layout)
    with desktop.connect() as viewer:
        wait_complete_frame(viewer)
        assert f"layout:     {layout.split('(', maxsplit=1)[0]}" in desktop.shell("setxkbmap -query")
        desktop.launch(["mate-terminal", "--title", "typing", "--command", "bash -c 'cat > /tmp/typed'"])
        viewer.wait_for(lambda: any("typing" in window for window in desktop.windows()), what="the terminal")
        viewer.pump(0.5)
        viewer.type_text(TORTURE + "\n", pause=0.02)
        viewer.wait_for(lambda: bool(desktop.shell("cat /tmp/typed")), what="the typed line")
    assert desktop.shell("cat /tmp/typed") == TORTURE + "\n"


def test_a_layout_that_nobody_knows_leaves_us(start: StartDesktop) -> None:
    desktop = start(layout="us;id")
    assert "layout:     us" in desktop.shell("setxkbmap -query")
    assert "keyboard layout us;id is not known" in desktop.logs()


def test_clipboard_goes_in(shared_desktop: DesktopContainer) -> None:
    with shared_desktop.connect() as viewer:
        wait_complete_frame(viewer)
        viewer.offer_clipboard(COPIED)
        viewer.pump(0.3)
        said = _while_pumping(
            viewer, lambda: shared_desktop.exec(["timeout", "5", "xclip", "-o", "-selection", "clipboard"])
        )
        assert said == Said(0, COPIED)


def test_clipboard_comes_out(shared_desktop: DesktopContainer) -> None:
    with shared_desktop.connect() as viewer:
        wait_complete_frame(viewer)
        shared_desktop.shell(f"cat > /tmp/copied <<'END'\n{COPIED}\nEND")
        shared_desktop.launch(["xclip", "-selection", "clipboard", "-i", "/tmp/copied"])
        viewer.wait_for(lambda: viewer.server_clipboard == COPIED + "\n", what="the clipboard")


def test_who_watches_cannot_change_the_clipboard(shared_desktop: DesktopContainer) -> None:
    with shared_desktop.connect(shared_desktop.view) as guest:
        guest.offer_clipboard("from a guest")
        guest.pump(0.5)
        said = _while_pumping(
            guest, lambda: shared_desktop.exec(["timeout", "2", "xclip", "-o", "-selection", "clipboard"])
        )
        assert "from a guest" not in said.text


def _while_pumping(viewer: RfbClient, ask: Callable[[], Said]) -> Said:
    """Lets the viewer answer the server while a program in the container waits for that answer."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(ask)
        deadline = time.monotonic() + 10
        while not future.done() and time.monotonic() < deadline:
            viewer.pump(0.05)
        return future.result(timeout=1)
