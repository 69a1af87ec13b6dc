"""The engines that are registered, by node name: they come and go while the process runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from asci_api.domain.errors import NotFound, Restoring, Unavailable
from asci_api.domain.identity import NodeName
from asci_api.domain.node import NodeRegistration
from asci_api.engine.clients import Clients, EngineAddress, TlsFiles
from asci_api.engine.container_spec import Homes
from asci_api.engine.desktops import DockerEngine

LOCAL = NodeName("local")
"""The machine that ASCI itself runs on."""
FRESH_SECONDS = 1.0
"""For so long the registrations are believed without being read again."""

Registered = Callable[[], Iterable[NodeRegistration]]


class RegisteredEngines:
    """Satisfies :class:`~asci_api.domain.ports.Engines`. ``registered`` gives all nodes as they are registered now,
    ``tls`` the files of a folder of certificates. Connects to nothing before an engine is used. While records cannot
    be read, what was known counts."""

    def __init__(
        self,
        installation: str,
        homes: Homes,
        registered: Registered,
        tls: Callable[[str], TlsFiles],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._installation = installation
        self._homes = homes
        self._registered = registered
        self._tls = tls
        self._clock = clock
        self._lock = threading.Lock()
        self._engines: dict[NodeName, tuple[NodeRegistration, DockerEngine]] = {}
        self._read_at: float | None = None

    def names(self) -> list[NodeName]:
        return list(self._now())

    def registrations(self) -> dict[NodeName, NodeRegistration]:
        return {name: registration for name, (registration, _) in self._now().items()}

    def get(self, node: NodeName) -> DockerEngine:
        """The node's engine; its client is the calling thread's own. Raises ``NotFound``."""
        known = self._now().get(node)
        if known is None:
            raise NotFound(f"There is no node {node}.")
        return known[1]

    def close(self) -> None:
        """Close all connections."""
        for _, engine in self._engines.values():
            engine.close()

    def _now(self) -> dict[NodeName, tuple[NodeRegistration, DockerEngine]]:
        with self._lock:
            now = self._clock()
            if self._read_at is None or now - self._read_at >= FRESH_SECONDS:
                self._read()
                self._read_at = now
            return self._engines

    def _read(self) -> None:
        try:
            registered = list(self._registered())
        except (Unavailable, Restoring):
            if self._read_at is None:
                raise
            return
        self._engines = {one.name: (one, self._engine(one)) for one in registered}

    def _engine(self, now: NodeRegistration) -> DockerEngine:
        """The engine that is in use already unless its address changed. One that goes is not closed: a thread may be
        in the middle of a call, and its connections end with it."""
        before = self._engines.get(now.name)
        if before is not None and _address(before[0]) == _address(now):
            return before[1]
        tls = self._tls(now.tls) if now.tls else None
        clients = Clients(EngineAddress(now.name, now.url, tls))
        return DockerEngine(clients, self._installation, self._homes, now.publish)


def _address(registration: NodeRegistration) -> tuple[str, str, str]:
    return registration.url, registration.tls, registration.publish
