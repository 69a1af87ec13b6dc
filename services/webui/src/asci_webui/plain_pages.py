"""Pages that only tell: help, accessibility, browsers."""

from __future__ import annotations

from flask import Blueprint, render_template

from asci_shared.api.errors import ApiAway, SignedOut
from asci_shared.api.models import Me
from asci_webui.portal import api

pages = Blueprint("plain_pages", __name__)


def _me() -> Me | None:
    try:
        return api().me()
    except (SignedOut, ApiAway):
        return None  # these pages are open to everybody, also while the API is away


@pages.get("/help")
def help_page() -> str:
    """How things work, and every shortcut."""
    return render_template("help.html", me=_me())


@pages.get("/accessibility")
def accessibility() -> str:
    """What was done and tested, what is known not to work, whom to tell."""
    return render_template("accessibility.html", me=_me())


@pages.get("/browsers")
def browsers() -> str:
    """For browsers that are too old: plain, and readable in all of them."""
    return render_template("browsers.html")


@pages.get("/robots.txt")
def robots() -> tuple[str, int, dict[str, str]]:
    """Nothing here is for search engines."""
    return "User-agent: *\nDisallow: /\n", 200, {"Content-Type": "text/plain"}
