"""The VNC side: passwords and what they allow, sizes, and secrets that stand nowhere."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from tests.images.conftest import StartDesktop
from tests.support.desktop_container import DesktopContainer, new_password
from tests.support.desktop_picture import wait_complete_frame
from tests.support.rfb_client import PasswordRefused, read_banner


def test_speaks_rfb_and_shows_a_complete_desktop(desktop: DesktopContainer) -> None:
    assert read_banner(*desktop.address()) == "RFB 003.008"
    with desktop.connect() as viewer:
        wait_complete_frame(viewer)
        assert (viewer.desktop.width, viewer.desktop.height) == (1280, 800)
        assert viewer.desktop.name == "mara"


def test_both_passwords_open_and_others_do_not(shared_desktop: DesktopContainer) -> None:
    shared_desktop.connect(shared_desktop.control).close()
    shared_desktop.connect(shared_desktop.view).close()
    for wrong in ("", "wrong", new_password(), shared_desktop.control[:7], shared_desktop.control.swapcase()):
        with pytest.raises(PasswordRefused):
            shared_desktop.connect(wrong or " ")


def test_nobody_can_sign_in_before_passwords_are_set(start: StartDesktop) -> None:
    desktop = start(with_passwords=False)
    for guess in ("        ", "password", desktop.control):
        with pytest.raises(PasswordRefused):
            desktop.connect(guess)
    desktop.set_passwords()
    desktop.connect().close()


def test_many_wrong_passwords_lock_nobody_out(shared_desktop: DesktopContainer) -> None:
    for _ in range(12):
        with pytest.raises(PasswordRefused):
            shared_desktop.connect(new_password())
    shared_desktop.connect().close()


def test_new_passwords_shut_old_ones_out_while_viewers_stay(desktop: DesktopContainer) -> None:
    old = desktop.control
    with desktop.connect() as viewer:
        viewer.wait_frame()
        desktop.set_passwords(new_password(), new_password())
        with pytest.raises(PasswordRefused):
            desktop.connect(old)
        desktop.connect().close()
        viewer.wait_frame()


@pytest.mark.parametrize(
    "words", [b"", b"short\nshort\n", b"12345678\n12345678", b"12345678\n\x0012345678", b"\n" * 18]
)
def test_passwords_of_another_shape_are_refused_and_the_old_stay(
    shared_desktop: DesktopContainer, words: bytes
) -> None:
    # the program waits for 18 bytes: fill up what is short, so that it sees exactly these
    said = shared_desktop.exec(["asci-set-passwords"], stdin=words.ljust(18, b" "))
    assert said.status == 2
    assert "two lines of 8 characters" in said.text
    shared_desktop.connect().close()


def test_watching_can_neither_type_nor_resize(desktop: DesktopContainer) -> None:
    with desktop.connect(desktop.view) as guest, desktop.connect() as owner:
        wait_complete_frame(owner)
        assert guest.resize(1024, 768) == 1
        quiet = owner.wait_frame()
        guest.click(60, 14)  # Applications
        guest.press("Alt", "F2")
        guest.pump(1.0)
        assert _top(owner.wait_frame()) == _top(quiet)
        assert (owner.desktop.width, owner.desktop.height) == (1280, 800)
        owner.click(60, 14)
        owner.wait_for(lambda: _top(owner.desktop.pixels) != _top(quiet), what="the menu under the owner's pointer")


@pytest.mark.parametrize("size", [(1600, 900), (3840, 2160), (800, 600)])
def test_follows_the_size_of_its_viewer(desktop: DesktopContainer, size: tuple[int, int]) -> None:
    with desktop.connect() as viewer:
        wait_complete_frame(viewer)
        assert viewer.resize(*size) == 0
        viewer.wait_for(lambda: viewer.desktop.pixels.size == size, what="the new size")
        wait_complete_frame(viewer)


@pytest.mark.parametrize(
    ("wanted", "given"),
    [("1600x1000", "1600x1000"), ("99999x99999", "3840x2160"), ("100x100", "640x480"), ("$(id)x1", "1280x800")],
)
def test_geometry_is_taken_as_far_as_it_is_sane(start: StartDesktop, wanted: str, given: str) -> None:
    desktop = start(geometry=wanted)
    with desktop.connect() as viewer:
        assert f"{viewer.desktop.width}x{viewer.desktop.height}" == given
    assert (wanted == given) == ("is not possible" not in desktop.logs())


def test_passwords_stand_in_no_record_of_the_engine_no_log_and_no_command_line(
    shared_desktop: DesktopContainer,
) -> None:
    shared_desktop.connect().close()
    seen = "\n".join(
        (
            json.dumps(shared_desktop.inspect()),
            shared_desktop.logs(),
            shared_desktop.shell("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; :"),
        )
    )
    assert shared_desktop.person.name in seen
    assert shared_desktop.control not in seen
    assert shared_desktop.view not in seen
    assert shared_desktop.shell("stat -c %a /run/asci/vncpasswd /run/asci").split() == ["600", "700"]


def _top(picture: Image.Image) -> bytes:
    """What lies under the menus, where nothing changes by itself."""
    return picture.crop((0, 30, 400, 300)).tobytes()
