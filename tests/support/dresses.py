"""Pages in all four dresses: light and dark, wide and on a phone."""

from __future__ import annotations

from tests.support.browser import PHONE, WIDE, Visitor

DRESSES = [(theme, size) for theme in ("light", "dark") for size in (WIDE, PHONE)]


def judge(window: Visitor, name: str) -> list[str]:
    """The page as it stands in all four dresses; what is wrong, one line each. Takes a picture of each."""
    found = []
    for theme, (width, height) in DRESSES:
        window.page.set_viewport_size({"width": width, "height": height})
        window.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        window.page.wait_for_timeout(250)
        dress = f"{name}-{theme}-{width}"
        window.picture(dress)
        found += [f"{dress}: {line}" for line in window.axe()]
        wide = window.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.append(f"{dress}: scrolls {wide} px sideways")
    window.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    window.page.emulate_media(color_scheme="light")
    return found
