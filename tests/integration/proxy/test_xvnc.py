"""A real TigerVNC server behind the proxy: pictures come, keys go in control mode and do not in view mode."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator

import pytest

from tests.integration.proxy.browser import Browser
from tests.integration.proxy.portal import Portal, Proxy, free_port, secret_of, wait_for

XVNC = shutil.which("Xtigervnc") or shutil.which("Xvnc")

pytestmark = pytest.mark.skipif(
    XVNC is None, reason="TigerVNC is not installed: apt-get install tigervnc-standalone-server"
)


@pytest.fixture(scope="module")
def xvnc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its port. The password file holds control and view secret, as in a desktop."""
    folder = tmp_path_factory.mktemp("xvnc")
    words = f"{secret_of()}\n{secret_of(mode='view')}\n".encode()
    program = shutil.which("tigervncpasswd") or "vncpasswd"
    (folder / "passwd").write_bytes(
        subprocess.run([program, "-f"], input=words, capture_output=True, check=True).stdout
    )
    port = free_port()
    command = [str(XVNC), f":{port}", "-rfbport", str(port), "-geometry", "320x200", "-SecurityTypes", "VncAuth"]
    command += ["-PasswordFile", str(folder / "passwd"), "-UseBlacklist=0", "-nolisten", "tcp", "-localhost"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"HOME": str(folder)})
    wait_for(lambda: server.poll() is not None or _listens(port), "Xvnc")
    assert server.poll() is None, (folder / "log").read_text()
    yield port
    server.terminate()
    server.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


def greet(browser: Browser) -> tuple[int, int, str]:
    """Read ServerInit: width, height, name."""
    width, height = struct.unpack("!HH", browser.read(4))
    browser.read(16)
    return width, height, browser.read(int.from_bytes(browser.read(4), "big")).decode()


def picture(browser: Browser, width: int, height: int) -> bytes:
    """The whole screen, raw."""
    browser.send(struct.pack("!BxHi", 2, 1, 0))
    browser.send(struct.pack("!BBHHHH", 3, 0, 0, 0, width, height))
    pixels = bytearray()
    while len(pixels) < width * height * 4:
        kind, rectangles = struct.unpack("!BxH", browser.read(4))
        assert kind == 0, "FramebufferUpdate"
        for _ in range(rectangles):
            _, _, wide, high, encoding = struct.unpack("!HHHHi", browser.read(12))
            assert encoding == 0
            pixels += browser.read(wide * high * 4)
    return bytes(pixels)


@pytest.mark.parametrize("mode", ["control", "view"])
def test_both_modes_show_the_screen(proxy: Proxy, portal: Portal, xvnc: int, mode: str) -> None:
    token = portal.sign_in()
    with proxy.enter(portal.ticket(token, xvnc, mode=mode), token) as browser:
        width, height, _ = greet(browser)
        assert (width, height) == (320, 200)
        assert len(picture(browser, width, height)) == 320 * 200 * 4


def test_only_control_may_resize(proxy: Proxy, portal: Portal, xvnc: int) -> None:
    """View-only is enforced by the desktop itself, by the secret that the proxy entered with."""
    token = portal.sign_in()
    with (
        proxy.enter(portal.ticket(token, xvnc, mode="view"), token) as viewer,
        proxy.enter(portal.ticket(token, xvnc, mode="control"), token) as controller,
    ):
        greet(viewer)
        greet(controller)
        for browser in (viewer, controller):
            browser.send(struct.pack("!BxHii", 2, 2, 0, -308))  # raw, ExtendedDesktopSize
        viewer.send(resize(640, 400))
        controller.send(resize(400, 300))
        wait_for(lambda: _size(proxy, portal, xvnc) == (400, 300), "the desktop to be resized by who may")


def resize(width: int, height: int) -> bytes:
    """SetDesktopSize with one screen."""
    return struct.pack("!BxHHBx", 251, width, height, 1) + struct.pack("!IHHHHI", 0, 0, 0, width, height, 0)


def _size(proxy: Proxy, portal: Portal, port: int) -> tuple[int, int]:
    token = portal.sign_in()
    with proxy.enter(portal.ticket(token, port), token) as browser:
        return greet(browser)[:2]
