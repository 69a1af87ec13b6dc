"""The cookies of the pages.

``asci`` (``__Host-asci`` on https) is the API token itself: HttpOnly, SameSite=Lax. ``asci-visitor`` is a random word
that form tokens are bound to; it outlives sign-ins, so that a form still counts after one. ``asci-theme`` is ``light``
or ``dark``; absent means as the system says.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from flask import Request, Response

THEME = "asci-theme"
THEMES = ("light", "dark")
_YEAR = 365 * 24 * 3600


class Cookies:
    """Reads and writes them for one portal origin."""

    def __init__(self, origin: str) -> None:
        self._secure = origin.startswith("https://")
        self.session_name = "__Host-asci" if self._secure else "asci"
        self.visitor_name = "__Host-asci-visitor" if self._secure else "asci-visitor"

    def token(self, request: Request) -> str:
        """The sign-in token, empty without one."""
        return request.cookies.get(self.session_name, "")

    def keep_token(self, response: Response, token: str, until: datetime) -> None:
        """Sign this browser in."""
        self._set(response, self.session_name, token, expires=until)

    def drop_token(self, response: Response) -> None:
        """Sign this browser out."""
        response.delete_cookie(self.session_name, path="/", secure=self._secure, httponly=True, samesite="Lax")

    def visitor(self, request: Request) -> str:
        """The visitor's word, empty without one."""
        return request.cookies.get(self.visitor_name, "")

    def new_visitor(self) -> str:
        """A fresh word, to be kept with :meth:`keep_visitor`."""
        return secrets.token_urlsafe(16)

    def keep_visitor(self, response: Response, word: str) -> None:
        """A year."""
        self._set(response, self.visitor_name, word, max_age=_YEAR)

    def theme(self, request: Request) -> str:
        """``light``, ``dark``, or empty for the system's."""
        chosen = request.cookies.get(THEME, "")
        return chosen if chosen in THEMES else ""

    def keep_theme(self, response: Response, theme: str) -> None:
        """A year; anything but a theme forgets it."""
        if theme in THEMES:
            self._set(response, THEME, theme, max_age=_YEAR)
        else:
            response.delete_cookie(THEME, path="/", secure=self._secure, httponly=True, samesite="Lax")

    def _set(
        self, response: Response, name: str, value: str, expires: datetime | None = None, max_age: int | None = None
    ) -> None:
        response.set_cookie(
            name, value, expires=expires, max_age=max_age, path="/", secure=self._secure, httponly=True, samesite="Lax"
        )
