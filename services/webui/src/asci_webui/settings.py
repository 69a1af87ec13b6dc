"""The webui's settings, read once at start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asci_shared.apps import AppsOrigins
from asci_shared.environ import Environ


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides about the portal."""

    public_url: str
    """The portal's only origin, such as https://asci.example.org."""
    api_url: str
    """Where the API listens on the inner network."""
    facility: str
    """Name shown on every page."""
    form_key: bytes
    """Signs form tokens."""
    static_folder: Path
    """What scripts/build-static made; the edge serves it, pages read its manifest."""
    apps_domain: str
    """Web applications open under ``<instance id>.<apps domain>``."""
    administration: bool = False
    """Admins find the way to the pages of the adminui, where it is installed."""
    development: bool = False
    """Shows /styleguide and serves /static itself."""


def load(environ: Environ | None = None) -> Settings:
    """From the process's environment. Raises SettingsError with a line for the operator."""
    environ = environ or Environ()
    public_url = environ.origin("ASCI_PUBLIC_URL", "http://localhost:8080")
    return Settings(
        public_url=public_url,
        api_url=environ.text("ASCI_API_URL", "http://api:8000"),
        facility=environ.text("ASCI_FACILITY", "ASCI"),
        form_key=environ.secret("ASCI_WEBUI_KEY_FILE", "/run/secrets/webui_key"),
        static_folder=environ.path("ASCI_STATIC", "/opt/asci/static"),
        apps_domain=AppsOrigins.read(environ, public_url).domain,
        administration=environ.flag("ASCI_ADMINUI"),
        development=environ.flag("ASCI_DEV"),
    )
