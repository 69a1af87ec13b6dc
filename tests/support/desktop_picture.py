"""Whether a picture shows a complete ASCI desktop: the one criterion of tests and of both sides of a benchmark.

Complete means that each part below is drawn: both panels, the menus, the clock, the workspaces, the wallpaper and
both icons, as a new person's desktop shows them at scale 1. It looks at colours in regions, so that fonts and clocks do
not matter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from PIL import Image

from tests.support.rfb_client import RfbClient

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]

PANEL_HEIGHT = 28
PANEL: Colour = (27, 35, 43)


def missing_parts(picture: Image.Image) -> list[str]:
    """The names of the parts that are not drawn yet; empty when the desktop is complete. `picture` is RGB."""
    return [part.name for part in PARTS if not part.is_drawn(picture)]


def wait_complete_frame(client: RfbClient, *, timeout: float = 30.0, quiet: float = 0.4) -> float:
    """Reads until the desktop is complete and stays so, with no pixel changed, for `quiet` seconds.

    Returns the monotonic time at which the last pixel changed that made it complete. Raises TimeoutError that names
    what is missing.
    """
    deadline = time.monotonic() + timeout
    missing = ["everything"]
    seen = -1.0
    while time.monotonic() < deadline:
        if client.desktop.last_change != seen:
            seen = client.desktop.last_change
            missing = missing_parts(client.desktop.pixels)
        if not missing and time.monotonic() - client.desktop.last_change >= quiet:
            return client.desktop.last_change
        client.pump(0.02)
    raise TimeoutError(f"no complete desktop within {timeout} s: {', '.join(missing) or 'it never came to rest'}")


@dataclass(frozen=True)
class Part:
    """A part of the desktop and the question whether it is drawn."""

    name: str
    is_drawn: Callable[[Image.Image], bool]


def _pixels(picture: Image.Image, box: Box) -> list[Colour]:
    """The pixels of a box; coordinates below zero count from the right and from the bottom."""
    left, top, right, bottom = box
    absolute = (
        left if left >= 0 else picture.width + left,
        top if top >= 0 else picture.height + top,
        right if right > 0 else picture.width + right,
        bottom if bottom > 0 else picture.height + bottom,
    )
    data = picture.crop(absolute).tobytes()
    return [cast("Colour", tuple(data[i : i + 3])) for i in range(0, len(data), 3)]


def _near(colour: Colour, other: Colour, tolerance: int = 8) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(colour, other, strict=True))


def _bar(y: int) -> Callable[[Image.Image], bool]:
    """Whether a row is in the panel's colour right of the middle of the screen, where nothing stands."""

    def is_drawn(picture: Image.Image) -> bool:
        row = _pixels(picture, (picture.width * 45 // 100, y, picture.width * 75 // 100, y + 1 or picture.height))
        return sum(_near(pixel, PANEL) for pixel in row) > 0.95 * len(row)

    return is_drawn


def _ink(box: Box, least: int) -> Callable[[Image.Image], bool]:
    """Whether a box holds at least so many bright pixels: words and icons."""
    return lambda picture: sum(min(pixel) > 150 for pixel in _pixels(picture, box)) >= least


def _workspace(picture: Image.Image) -> bool:
    """Whether the current workspace is marked at the right end of the lower panel."""
    return sum(pixel[1] > 90 and pixel[1] > pixel[0] + 40 for pixel in _pixels(picture, (-130, -26, 0, -2))) >= 200


def _wallpaper(picture: Image.Image) -> bool:
    """Whether the middle of the screen is the sea-coloured gradient: never black, never one flat colour."""
    spots = [
        picture.getpixel((picture.width * x // 100, picture.height * y // 100))
        for x, y in ((30, 30), (50, 25), (30, 70), (85, 75), (20, 90))
    ]
    colours = [cast("Colour", spot) for spot in spots]
    sea = all(blue > red + 12 and green > red for red, green, blue in colours)
    return sea and max(c[1] for c in colours) - min(c[1] for c in colours) >= 12


PARTS = (
    Part("the upper panel", _bar(PANEL_HEIGHT // 2)),
    Part("the menus", _ink((8, 4, 250, 24), 150)),
    Part("the clock", _ink((-125, 4, 0, 24), 80)),
    Part("the lower panel", _bar(-PANEL_HEIGHT // 2)),
    Part("the workspaces", _workspace),
    Part("the wallpaper", _wallpaper),
    Part("the name of the icon Computer", _ink((30, 97, 150, 117), 50)),
    Part("the name of the icon of the home folder", _ink((20, 177, 160, 197), 50)),
)
