"""ASCI's own look whether an instance can be used: it speaks to the program, not to the engine (design, section 3)."""

from __future__ import annotations

import http.client
import re
import socket

from asci_api.domain.environment import Kind
from asci_api.domain.instance import Endpoint, Instance
from asci_shared.passwords import UPSTREAM_HEADER, upstream_secret

PROBE_SECONDS = 1.0
_BANNER = re.compile(rb"RFB 003\.00\d\n")
_BANNER_BYTES = 12
_CLIENT_ERROR = 400


class Probe:
    """Satisfies :class:`~asci_api.domain.ports.Readiness`. An open port alone says nothing: the engine's own port
    forwarder accepts before the program listens. ``key`` is what upstream secrets are derived from."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def ready(self, instance: Instance, endpoint: Endpoint) -> bool:
        """Whether the banner (desktop), or an answer below 400 to a request with the upstream secret (web), came within
        a second; for a service, whether it has no port or its port is open."""
        try:
            match instance.kind:
                case Kind.DESKTOP:
                    return _speaks_rfb(endpoint)
                case Kind.WEB:
                    return _answers(endpoint, instance.ready_path, self._secret(instance))
                case Kind.SERVICE:
                    return instance.port == 0 or _is_open(endpoint)
        except (OSError, http.client.HTTPException):
            return False

    def _secret(self, instance: Instance) -> str:
        return upstream_secret(self._key, instance.id, instance.generations.control)


def _speaks_rfb(endpoint: Endpoint) -> bool:
    with socket.create_connection((endpoint.address, endpoint.port), PROBE_SECONDS) as connection:
        banner = b""
        while len(banner) < _BANNER_BYTES and (part := connection.recv(_BANNER_BYTES - len(banner))):
            banner += part
    return _BANNER.fullmatch(banner) is not None


def _answers(endpoint: Endpoint, path: str, secret: str) -> bool:
    connection = http.client.HTTPConnection(endpoint.address, endpoint.port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path, headers={UPSTREAM_HEADER: secret})
        return connection.getresponse().status < _CLIENT_ERROR
    finally:
        connection.close()


def _is_open(endpoint: Endpoint) -> bool:
    with socket.create_connection((endpoint.address, endpoint.port), PROBE_SECONDS):
        return True
