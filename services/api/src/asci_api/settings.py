"""What the operator sets for api and controller, read once at start. Wrong or missing settings stop the start."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from asci_shared.apps import DEFAULT_DOMAIN, AppsOrigins
from asci_shared.environ import Environ, SettingsError

_INSTALLATION = re.compile(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?|[a-z0-9]{1,12}")
_REGISTRY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?")
_LEAST_KEY = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that both processes of this package read. Durations in seconds."""

    installation: str
    """ASCI_INSTALLATION: keeps several installations on one engine apart; a lowercase DNS label of at most 12."""
    public_url: str
    """ASCI_PUBLIC_URL: the portal's only origin."""
    redis_url: str
    """ASCI_REDIS_URL: ``redis://<user>@<host>:<port>/0`` or ``unix://…``."""
    key: bytes = field(repr=False)
    """ASCI_KEY_FILE: what one-time passwords and desktops' secrets are derived from; shared with the proxy."""
    redis_password: str = field(default="", repr=False)
    """ASCI_REDIS_PASSWORD_FILE; none where Redis asks for none."""
    homes: str = "/srv/asci/homes"
    """ASCI_HOMES: host path of home folders, or ``external:<path>``."""
    home_image: str = "asci/base:dev"
    """ASCI_HOME_IMAGE: ASCI's own image that makes home folders, as root beside all homes; never an environment's."""
    docker_url: str = "unix:///var/run/docker.sock"
    """ASCI_DOCKER_URL: the engine of node ``local``."""
    accounts_file: Path = Path("/accounts/accounts.json")
    """ASCI_ACCOUNTS_FILE: local accounts."""
    config_dir: Path = Path("/config")
    """ASCI_CONFIG_DIR: the operator's notice.json and overlay.yaml."""
    state_dir: Path = Path("/state")
    """ASCI_STATE_DIR: the controller's copy of durable facts."""
    registry: str = ""
    """ASCI_REGISTRY: ``host:port`` of the registry that nodes pull from; empty: the catalogue is what engines have."""
    registry_authority: Path | None = None
    """ASCI_REGISTRY_CA: the authority (PEM) that signed its certificate; the system's where it is not set."""
    timezone: str = ""
    """ASCI_TIMEZONE: of sessions, as in the tz database (``Europe/Zurich``); empty: the image's."""
    layout: str = ""
    """ASCI_LAYOUT: keyboard layout of sessions (``us``, ``de`` …); empty: the image's."""
    language: str = ""
    """ASCI_LANGUAGE: locale of sessions (``en_GB.UTF-8``); empty: the image's."""
    apps_domain: str = DEFAULT_DOMAIN
    """ASCI_APPS_DOMAIN: web applications open under ``<instance id>.<apps domain>``."""
    trusted_peers: tuple[str, ...] = ()
    """ASCI_TRUSTED_PEERS: names, addresses or networks whose X-Forwarded-For and X-Request-Id are believed."""
    session_idle: int = 8 * 3600
    """ASCI_SESSION_IDLE: an unused sign-in ends."""
    session_life: int = 7 * 86400
    """ASCI_SESSION_LIFE: a sign-in ends although it is used."""
    log_format: str = "json"
    """ASCI_LOG_FORMAT: ``json`` or ``text``."""

    @classmethod
    def read(cls, environ: Environ | None = None) -> Self:
        """From the process's environment. Raises ``SettingsError``."""
        environ = environ or Environ()
        public_url = environ.origin("ASCI_PUBLIC_URL", "http://localhost:8080")
        return cls(
            installation=_installation(environ),
            public_url=public_url,
            apps_domain=AppsOrigins.read(environ, public_url).domain,
            redis_url=environ.text("ASCI_REDIS_URL", "redis://redis:6379/0"),
            key=_key(environ),
            redis_password=_password(environ),
            homes=environ.text("ASCI_HOMES", "/srv/asci/homes"),
            home_image=environ.text("ASCI_HOME_IMAGE", "asci/base:dev"),
            docker_url=environ.text("ASCI_DOCKER_URL", "unix:///var/run/docker.sock"),
            accounts_file=environ.path("ASCI_ACCOUNTS_FILE", "/accounts/accounts.json"),
            config_dir=environ.path("ASCI_CONFIG_DIR", "/config"),
            registry=_registry(environ),
            registry_authority=Path(authority) if (authority := environ.text("ASCI_REGISTRY_CA", "")) else None,
            timezone=environ.text("ASCI_TIMEZONE", ""),
            layout=environ.text("ASCI_LAYOUT", ""),
            language=environ.text("ASCI_LANGUAGE", ""),
            state_dir=environ.path("ASCI_STATE_DIR", "/state"),
            trusted_peers=environ.words("ASCI_TRUSTED_PEERS"),
            session_idle=int(environ.seconds("ASCI_SESSION_IDLE", 8 * 3600, least=60)),
            session_life=int(environ.seconds("ASCI_SESSION_LIFE", 7 * 86400, least=60)),
            log_format=_log_format(environ),
        )


def _installation(environ: Environ) -> str:
    name = environ.text("ASCI_INSTALLATION")
    if not _INSTALLATION.fullmatch(name):
        raise SettingsError(
            f"ASCI_INSTALLATION must be up to 12 lowercase letters and digits, such as beam1, not {name!r}"
        )
    return name


def _registry(environ: Environ) -> str:
    host = environ.text("ASCI_REGISTRY", "")
    if host and not _REGISTRY.fullmatch(host):
        raise SettingsError(f"ASCI_REGISTRY must be an address such as registry.site.org:5000, not {host!r}")
    return host


def _key(environ: Environ) -> bytes:
    key = environ.secret("ASCI_KEY_FILE", "/run/secrets/asci_key")
    if len(key) < _LEAST_KEY:
        raise SettingsError(f"ASCI_KEY_FILE: the key must have at least {_LEAST_KEY} bytes")
    return key


def _password(environ: Environ) -> str:
    if not environ.text("ASCI_REDIS_PASSWORD_FILE", ""):
        return ""
    return environ.secret("ASCI_REDIS_PASSWORD_FILE").decode()


def _log_format(environ: Environ) -> str:
    style = environ.text("ASCI_LOG_FORMAT", "json")
    if style not in {"json", "text"}:
        raise SettingsError(f"ASCI_LOG_FORMAT must be json or text, not {style!r}")
    return style
