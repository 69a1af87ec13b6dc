"""Who asks: a Bearer token, or the pages' cookie; and whether an unsafe call by cookie came from our own pages."""

from __future__ import annotations

from flask import Request

from asci_api.domain.errors import NotAllowed
from asci_api.http.call import Site
from asci_api.work.sign_in import signed_out

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MARK = "X-ASCI"
"""A header that no form and no foreign page can send: other origins would have to ask first, and nobody answers."""


def token_of(request: Request, site: Site) -> tuple[str, bool]:
    """The token, and whether it came by cookie. Empty where there is none. Raises ``NotSignedIn`` for another scheme.

    A Bearer token counts before a cookie: whoever can set that header is no foreign page.
    """
    authorization = request.headers.get("Authorization", "")
    if authorization:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise signed_out("unknown")
        return token.strip(), False
    return request.cookies.get(site.cookie, ""), True


def check_origin(request: Request, site: Site) -> None:
    """Refuses an unsafe call by cookie that our own pages did not make. Raises ``NotAllowed`` (``wrong-origin``)."""
    if request.method in SAFE:
        return
    if request.headers.get("Origin", "").lower() != site.public_url or request.headers.get(MARK) != "1":
        raise wrong_origin()


def check_cookie_wanted(request: Request, site: Site) -> None:
    """A sign-in that wants its cookie set must come from our own page too, where the browser says from which."""
    origin = request.headers.get("Origin", "").lower()
    if request.headers.get(MARK) == "1" and origin not in {"", site.public_url}:
        raise wrong_origin()


def wrong_origin() -> NotAllowed:
    return NotAllowed(
        "This call did not come from the portal's own pages.",
        next_step="Open the portal by its address and try again; programs use a Bearer token.",
        slug="wrong-origin",
    )
