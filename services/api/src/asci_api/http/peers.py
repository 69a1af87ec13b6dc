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
        self._known: frozenset[str] = frozenset()
        self._looked = float("-inf")

    def trusts(self, address: str) -> bool:
        """Whether the peer at ``address`` is one of ours."""
        if self._in_networks(address):
            return True
        if not self._names:
            return False
        age = self._clock() - self._looked
        if age > FRESH_SECONDS or (address not in self._known and age > PAUSE_SECONDS):
            self._renew()
        return address in self._known

    def _in_networks(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def _renew(self) -> None:
        with self._lock:
            if self._clock() - self._looked <= PAUSE_SECONDS:
                return
            self._known = frozenset(address for name in self._names for address in self._look_up(name))
            self._looked = self._clock()


def own_address(peer: str, forwarded: str, trusted: bool) -> str:
    """The person's own address: the last word of a trusted peer's ``X-Forwarded-For``, else the peer's."""
    said = forwarded.rsplit(",", 1)[-1].strip() if trusted else ""
    try:
        return str(ipaddress.ip_address(said))
    except ValueError:
        return peer
