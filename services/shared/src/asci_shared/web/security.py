"""The security headers of pages, in one place. (The edge sets the general ones on every answer of the portal; these
hold without it too. The content security policy is the pages' alone.)

Nothing inline, nothing from elsewhere, no eval. A session page also shows ``data:`` pictures (noVNC draws JPEG
rectangles and cursors from them; without it the desktop stays black), names the WebSocket origin (older Safari does not
count it as ``'self'``), and posts to its web application's own host.
"""

from __future__ import annotations

from dataclasses import dataclass

_BASE = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


@dataclass(frozen=True, slots=True)
class PagePolicy:
    """What a page may load beyond the portal's own files."""

    data_pictures: bool = False
    websocket: str = ""
    """The portal's origin as ``ws://…`` or ``wss://…``."""
    posts_to: str = ""
    """One more origin that a form may be sent to."""

    def header(self) -> str:
        """The Content-Security-Policy."""
        directives = dict(_BASE)
        if self.data_pictures:
            directives["img-src"] += " data:"
        if self.websocket:
            directives["connect-src"] += f" {self.websocket}"
        if self.posts_to:
            directives["form-action"] += f" {self.posts_to}"
        return "; ".join(f"{name} {value}" for name, value in directives.items())


def websocket_origin(origin: str) -> str:
    """``https://host`` -> ``wss://host``, ``http://host`` -> ``ws://host``."""
    return "ws" + origin.removeprefix("http")


def headers(policy: PagePolicy) -> dict[str, str]:
    """All security headers of a page. Nobody but the browser itself keeps a page."""
    return {
        "Content-Security-Policy": policy.header(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), "
        "clipboard-read=(self), clipboard-write=(self), fullscreen=(self)",
    }
