"""Whether another site's page may make this browser ask an application. Pure.

The cookie is SameSite=Lax; but all applications of an installation may count as one site (``a.apps.example.org`` and
``b.apps.example.org``), and a Lax cookie then goes with whatever one makes the browser ask of the other. So requests of
foreign pages are refused, but for a plain link. (web.dev, "Protect your resources with Fetch Metadata".)
"""

from __future__ import annotations

from collections.abc import Mapping

_SAFE = frozenset({"GET", "HEAD"})
_OWN = frozenset({"same-origin", "none"})


def is_foreign(method: str, fields: Mapping[str, str], own_origin: str) -> bool:
    """Whether a page of another origin asks for more than being looked at by following a link.

    Clients that send neither ``Sec-Fetch-Site`` nor ``Origin`` (curl, older browsers' links) are none.
    """
    site = fields.get("Sec-Fetch-Site")
    if site is not None:
        return site not in _OWN and not _is_link(method, fields)
    origin = fields.get("Origin")
    return origin is not None and method not in _SAFE and origin.lower() != own_origin


def _is_link(method: str, fields: Mapping[str, str]) -> bool:
    return (
        method in _SAFE
        and fields.get("Sec-Fetch-Mode") == "navigate"
        and fields.get("Sec-Fetch-Dest") in {None, "document"}
    )
