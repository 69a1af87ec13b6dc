"""The adminui's settings, read once at start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asci_shared.environ import Environ


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides about the pages for administrators."""

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
    development: bool = False
    """Serves /static itself."""


def load(environ: Environ | None = None) -> Settings:
    """From the process's environment. Raises SettingsError with a line for the operator."""
    environ = environ or Environ()
    return Settings(
        public_url=environ.origin("ASCI_PUBLIC_URL", "http://localhost:8080"),
        api_url=environ.text("ASCI_API_URL", "http://api:8000"),
        facility=environ.text("ASCI_FACILITY", "ASCI"),
        form_key=environ.secret("ASCI_ADMINUI_KEY_FILE", "/run/secrets/adminui_key"),
        static_folder=environ.path("ASCI_STATIC", "/opt/asci/static"),
        development=environ.flag("ASCI_DEV"),
    )
