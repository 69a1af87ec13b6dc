"""Which side of the public door a ``Host`` asks for. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from asci_shared.apps import AppsOrigins


class Hosts:
    """Tells the portal's host from the applications'."""

    def __init__(self, public_origin: str, apps: AppsOrigins) -> None:
        self._portal = urlsplit(public_origin).hostname or ""
        self._apps = apps

    def is_app(self, host: str) -> bool:
        """Whether a name below the apps domain is asked for, at any port: then nothing of the portal answers.

        The portal's own name may stand below that domain.
        """
        name = _without_port(host.lower())
        return name.endswith(f".{self._apps.domain}") and name != self._portal

    def instance(self, host: str) -> str:
        """The instance whose origin this is exactly; empty for none."""
        return self._apps.instance_of(host.lower()) if self.is_app(host) else ""


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() else host.removesuffix(":")
