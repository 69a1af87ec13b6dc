"""What an operator may set, read once at start."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from asci_shared.apps import AppsOrigins
from asci_shared.environ import Environ
from asci_shared.redis_contract import BEAT_SECONDS


@dataclass(frozen=True, slots=True)
class Settings:
    """The proxy's settings. Each field names its variable."""

    public_origin: str
    """ASCI_PUBLIC_URL: the portal's only origin."""
    redis_url: str
    """ASCI_REDIS_URL."""
    redis_password: str | None
    """ASCI_REDIS_PASSWORD_FILE: the file that holds the password of the URL's user; unset: no password."""
    key: bytes
    """ASCI_KEY_FILE: the key that passwords are derived from."""
    log_format: str
    """ASCI_LOG_FORMAT: json or text."""
    host: str
    """ASCI_PROXY_HOST: the address that both doors listen on."""
    port: int
    """ASCI_PROXY_PORT: the public door, reached by the edge."""
    inward_port: int
    """ASCI_PROXY_INWARD_PORT: health and metrics."""
    drain_seconds: float
    """ASCI_PROXY_DRAIN_SECONDS: how long live desktops go on after SIGTERM."""
    handshake_seconds: float
    """ASCI_PROXY_HANDSHAKE_SECONDS: for a request's head, and from the upgrade to the first byte relayed, at most."""
    dial_seconds: float
    """ASCI_PROXY_DIAL_SECONDS: to reach the desktop's port, and again until its banner, at most."""
    beat_seconds: float
    """ASCI_PROXY_BEAT_SECONDS: leases are written and revocations looked for so often."""
    address_burst: int
    """ASCI_PROXY_ADDRESS_BURST: upgrades at once from one address; 0: no limit. A worker has its share."""
    address_rate: int
    """ASCI_PROXY_ADDRESS_RATE: upgrades a second from one address, on average."""
    person_burst: int
    """ASCI_PROXY_PERSON_BURST: connections opened at once by one person; 0: no limit."""
    person_rate: int
    """ASCI_PROXY_PERSON_RATE: connections opened a second by one person, on average."""
    person_connections: int
    """ASCI_PROXY_PERSON_CONNECTIONS: connections of one person open at a time, at this proxy."""
    person_pages: int
    """ASCI_PROXY_PERSON_PAGES: pages of one person that listen to the ring, at this proxy."""
    apps: AppsOrigins
    """ASCI_APPS_DOMAIN: web applications answer under ``<instance id>.<apps domain>``, beside the portal's origin."""
    app_head_seconds: float
    """ASCI_PROXY_APP_HEAD_SECONDS: how long a web application may take until its answer begins (long polls)."""
    app_exchanges: int
    """ASCI_PROXY_APP_EXCHANGES: requests and WebSockets of one app session under way at a time, at this proxy."""
    name: str
    """ASCI_PROXY_NAME: which proxy process this is, in leases; by default host and process."""
    workers: int
    """ASCI_PROXY_WORKERS: processes that share the public port."""
    worker: int
    """ASCI_PROXY_WORKER, set by the parent of several: which one this is; 0: there is no parent."""
    doors: tuple[int, ...]
    """ASCI_PROXY_DOORS, set by the parent: the listening sockets of the public and the inward door."""


def read(environ: Environ) -> Settings:
    """The settings from the environment. Raises asci_shared.environ.SettingsError."""
    public_origin = environ.origin("ASCI_PUBLIC_URL", "http://localhost:8080")
    workers = environ.integer("ASCI_PROXY_WORKERS", 1, least=1, most=64)
    worker = environ.integer("ASCI_PROXY_WORKER", 0)
    has_password = environ.text("ASCI_REDIS_PASSWORD_FILE", "-") != "-"
    return Settings(
        public_origin=public_origin,
        redis_url=environ.text("ASCI_REDIS_URL"),
        redis_password=environ.secret("ASCI_REDIS_PASSWORD_FILE").decode() if has_password else None,
        key=environ.secret("ASCI_KEY_FILE"),
        log_format=environ.text("ASCI_LOG_FORMAT", "json"),
        host=environ.text("ASCI_PROXY_HOST", "0.0.0.0"),
        port=environ.integer("ASCI_PROXY_PORT", 8010, most=65535),
        inward_port=environ.integer("ASCI_PROXY_INWARD_PORT", 8011, most=65535),
        drain_seconds=environ.seconds("ASCI_PROXY_DRAIN_SECONDS", 10.0),
        handshake_seconds=environ.seconds("ASCI_PROXY_HANDSHAKE_SECONDS", 10.0, least=0.1),
        dial_seconds=environ.seconds("ASCI_PROXY_DIAL_SECONDS", 5.0, least=0.1),
        beat_seconds=environ.seconds("ASCI_PROXY_BEAT_SECONDS", BEAT_SECONDS, least=0.1),
        address_burst=_share(environ.integer("ASCI_PROXY_ADDRESS_BURST", 200), workers),
        address_rate=_share(environ.integer("ASCI_PROXY_ADDRESS_RATE", 20), workers),
        person_burst=_share(environ.integer("ASCI_PROXY_PERSON_BURST", 40), workers),
        person_rate=_share(environ.integer("ASCI_PROXY_PERSON_RATE", 5), workers),
        person_connections=environ.integer("ASCI_PROXY_PERSON_CONNECTIONS", 50, least=1),
        person_pages=environ.integer("ASCI_PROXY_PERSON_PAGES", 20, least=1),
        apps=AppsOrigins.read(environ, public_origin),
        app_head_seconds=environ.seconds("ASCI_PROXY_APP_HEAD_SECONDS", 60.0, least=0.1),
        app_exchanges=environ.integer("ASCI_PROXY_APP_EXCHANGES", 256, least=1),
        name=_name(environ, worker),
        workers=workers,
        worker=worker,
        doors=tuple(int(number) for number in environ.words("ASCI_PROXY_DOORS")),
    )


def _share(limit: int, workers: int) -> int:
    """What one worker allows, so that all together allow ``limit``; 0 stays 0."""
    return -(-limit // workers)


def _name(environ: Environ, worker: int) -> str:
    name = environ.text("ASCI_PROXY_NAME", "")
    if not name:
        return f"{socket.gethostname()}-{os.getpid()}"
    return f"{name}-{worker}" if worker else name
