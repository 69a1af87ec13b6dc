"""Which neighbours are believed when they say for whom they ask (``X-Forwarded-For``, ``X-Request-Id``)."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from threading import Lock

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str], set[str]]

FRESH_SECONDS = 30.0
"""How long names are believed to have the addresses that they had."""
PAUSE_SECONDS = 1.0
"""Least time between two look-ups, whoever asks."""
WAIT_SECONDS = 2.0
"""How long a request of an unknown peer waits for a look-up that is under way."""


def resolve(name: str) -> set[str]:
    """The addresses of a name now; none if it is unknown (its container is not up yet)."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError:
        return set()


class TrustedPeers:
    """Addresses, networks and names. Names are looked up again when an unknown peer comes or the answer is old."""

    def __init__(
        self, words: Iterable[str], look_up: Resolve = resolve, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._networks: list[Network] = []
        self._names: list[str] = []
        for word in words:
            try:
                self._networks.append(ipaddress.ip_network(word, strict=False))
            except ValueError:
                self._names.append(word)
        self._look_up = look_up
        self._clock = clock
        self._lock = Lock()
        self._addresses: dict[str, set[str]] = {}
        self._looked = float("-inf")

    def trusts(self, address: str) -> bool:
        """Whether the peer at ``address`` is one of ours."""
        if self._in_networks(address):
            return True
        if not self._names:
            return False
        if not self._knows(address) and self._age() > PAUSE_SECONDS:
            self._renew(WAIT_SECONDS)
        elif self._age() > FRESH_SECONDS:
            self._renew(0.0)
        return self._knows(address)

    def _knows(self, address: str) -> bool:
        return any(address in addresses for addresses in list(self._addresses.values()))

    def _age(self) -> float:
        return self._clock() - self._looked

    def _in_networks(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def _renew(self, wait: float) -> None:
        """Look all names up again. While another thread does, wait for it at most ``wait`` seconds: a name service
        may be slow about a name that is away, and each name counts as soon as it is found."""
        if not self._lock.acquire(timeout=wait):
            return
        try:
            if self._age() > PAUSE_SECONDS:
                for name in self._names:
                    self._addresses[name] = self._look_up(name)
                self._looked = self._clock()
        finally:
            self._lock.release()


def own_address(peer: str, forwarded: str, trusted: bool) -> str:
    """The person's own address: the last word of a trusted peer's ``X-Forwarded-For``, else the peer's."""
    said = forwarded.rsplit(",", 1)[-1].strip() if trusted else ""
    try:
        return str(ipaddress.ip_address(said))
    except ValueError:
        return peer
