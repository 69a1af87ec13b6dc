"""Where web applications are reached: each instance has an origin of its own, beside the portal's (design, section 5).

An application's script runs in its people's browsers. On a host of its own it reads neither the portal's cookie nor the
pages of the portal or of another instance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from asci_shared.environ import Environ, SettingsError

ENTER_PATH = "/.asci/enter"
"""Where the page posts ``connection`` and ``password``; the proxy's own path on every application's host."""
DEFAULT_DOMAIN = "localhost"
"""Browsers resolve every name under it to their own machine (RFC 6761, section 6.3)."""
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True)
class AppsOrigins:
    """The origins ``<scheme>://<instance id>.<domain>[:port]``, with the portal's scheme and port."""

    scheme: str
    domain: str
    port: str
    """``:8080``, or empty for the scheme's own."""

    @classmethod
    def read(cls, environ: Environ, public_url: str) -> AppsOrigins:
        """From ASCI_APPS_DOMAIN and the portal's origin. Raises SettingsError."""
        domain = environ.text("ASCI_APPS_DOMAIN", DEFAULT_DOMAIN).lower()
        if not _DOMAIN.fullmatch(domain):
            raise SettingsError(f"ASCI_APPS_DOMAIN must be a domain such as apps.example.org, not {domain!r}")
        return cls.beside(public_url, domain)

    @classmethod
    def beside(cls, public_url: str, domain: str = DEFAULT_DOMAIN) -> AppsOrigins:
        """With the scheme and port of the portal's origin."""
        parts = urlsplit(public_url)
        return cls(parts.scheme, domain, f":{parts.port}" if parts.port else "")

    def of(self, instance: str) -> str:
        """The origin of an instance."""
        return f"{self.scheme}://{instance}.{self.domain}{self.port}"

    def instance_of(self, host: str) -> str:
        """The instance whose application a ``Host`` header names; empty if it names none."""
        label, _, rest = host.partition(".")
        mine = rest == f"{self.domain}{self.port}" and re.fullmatch(_LABEL, label) is not None
        return label if mine else ""
