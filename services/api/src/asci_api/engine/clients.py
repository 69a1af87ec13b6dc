"""Docker clients: one per node and thread, because the SDK's sessions are not thread-safe.

A node is a URL and, over TCP, a TLS identity; the local node is the same thing with a Unix socket.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.tls import TLSConfig

from asci_api.domain.errors import EngineAway, EngineFault
from asci_api.domain.identity import NodeName
from asci_api.domain.instance import Hop
from asci_api.engine.faults import translated

QUICK_SECONDS = 5
"""Longest silence in an ordinary call: below the leader's lease of 6 s."""
IDLE_CONNECTIONS = 4
"""Over a Unix socket the SDK keeps a connection for each URL that it asked; making a new one costs next to nothing."""
CLIENTS_OF_A_THREAD = 8
"""Workers meet every node in time: what they keep open is bounded."""
OLDEST_API = "1.41"
"""Docker Engine 20.10: what the contract of section 7 needs."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Mutual TLS: the authority that signed the node's certificate, and our own certificate and key (PEM)."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """Where an engine listens: ``unix:///path`` or, with ``tls``, ``tcp://host:2376``."""

    node: NodeName
    url: str
    tls: TlsFiles | None = None


class Clients:
    """The clients of one node. ``get`` gives the calling thread its own and connects at the first call."""

    def __init__(self, address: EngineAddress, seconds: int = QUICK_SECONDS) -> None:
        self.address = address
        self._seconds = seconds
        self._all: weakref.WeakSet[APIClient] = weakref.WeakSet()
        self._version = ""

    def get(self) -> APIClient:
        """The thread's client. Raises ``EngineAway``, or ``EngineFault`` where the engine is too old or too new."""
        mine = _of_this_thread()
        client = mine.pop(self, None)
        if client is None or client.api_version != self._version:
            version = self._version or self._ask()
            with translated(self.address.node, Hop.NODE, f"Node {self.address.node} refused the connection."):
                client = self._client(version)
            self._all.add(client)
        mine[self] = client  # the last that was used stands last
        while len(mine) > CLIENTS_OF_A_THREAD:
            mine.pop(next(iter(mine))).close()
        return client

    def learn(self, says: Mapping[str, Any]) -> None:
        """Take what the engine answered to ``/version``: after its upgrade every thread speaks the new version."""
        node = self.address.node
        try:
            self._version = _common(node, str(says["ApiVersion"]), str(says.get("MinAPIVersion", OLDEST_API)))
        except (KeyError, TypeError, ValueError) as error:
            raise EngineAway(node, "What answers at its address is no Docker Engine.") from error

    def close(self) -> None:
        """Close the connections of all threads. Not while any of them is in use."""
        for client in list(self._all):
            client.close()

    @contextmanager
    def patient(self, seconds: int) -> Iterator[APIClient]:
        """The thread's client with another longest silence, for calls that may take their time."""
        client = self.get()
        before, client.timeout = client.timeout, seconds
        try:
            yield client
        finally:
            client.timeout = before

    def _ask(self) -> str:
        node = self.address.node
        with translated(node, Hop.NODE, f"Node {node} refused the connection."):
            probe = self._client(DEFAULT_DOCKER_API_VERSION)
            try:
                self.learn(probe.version(api_version=False))
            finally:
                probe.close()
        return self._version

    def _client(self, version: str) -> APIClient:
        client = APIClient(
            base_url=self.address.url,
            version=version,
            timeout=self._seconds,
            tls=self._tls() or False,
            num_pools=IDLE_CONNECTIONS,
        )
        # REQUESTS_CA_BUNDLE and proxies of the environment would replace what is given here
        client.trust_env = False
        return client

    def _tls(self) -> TLSConfig | None:
        files = self.address.tls
        if files is None:
            return None
        return TLSConfig(
            client_cert=(str(files.certificate), str(files.key)), ca_cert=str(files.authority), verify=True
        )


_mine = threading.local()


def _of_this_thread() -> weakref.WeakKeyDictionary[Clients, APIClient]:
    """The thread's clients by node, the one longest unused first."""
    clients: weakref.WeakKeyDictionary[Clients, APIClient] | None = getattr(_mine, "clients", None)
    if clients is None:
        clients = _mine.clients = weakref.WeakKeyDictionary()
    return clients


def _common(node: NodeName, newest: str, oldest: str) -> str:
    """The highest API version that engine and SDK both speak."""
    version = min(newest, DEFAULT_DOCKER_API_VERSION, key=_number)
    if _number(version) < max(_number(oldest), _number(OLDEST_API)):
        raise EngineFault(
            Hop.NODE,
            f"Node {node} runs a Docker Engine that ASCI cannot speak with.",
            f"It speaks API {oldest} to {newest}; ASCI speaks {OLDEST_API} to {DEFAULT_DOCKER_API_VERSION}.",
            "Install Docker Engine 20.10 or newer on the node, or a newer ASCI.",
        )
    return version


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
