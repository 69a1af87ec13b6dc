"""Who is on: the leases of this proxy's connections, and the ring when one comes or goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from asci_proxy.connection import Connection
from asci_proxy.store import Store, StoreAway
from asci_shared import redis_contract as contract
from asci_shared.logging import get_logger

GATHER_SECONDS = 0.02
"""How long a join or leave waits for others: those that came and went within it are nobody's business."""

_log = get_logger(__name__)


class Presence:
    """Keeps the leases. One task writes, so that a lease is never written after it was removed.

    A lease that is missing is written again at the next beat: it is never taken for the end of anything.
    """

    def __init__(
        self,
        store: Store,
        proxy: str,
        beat: float,
        connections: Callable[[], Iterable[Connection]],
        lagged: Callable[[float], object],
    ) -> None:
        self._store, self._proxy, self._beat, self._connections = store, proxy, beat, connections
        self._lagged = lagged  # is told how many seconds the oldest change of a writing waited for it
        self._since = 0.0  # when the oldest change came that is not written; 0: all are
        self._joined: set[Connection] = set()
        self._left: set[tuple[str, str]] = set()
        self._untold: set[Connection] = set()
        self._changed = asyncio.Event()
        self._behind = False

    def joined(self, connection: Connection) -> None:
        """Its bytes flow from now on."""
        self._joined.add(connection)
        self._untold.add(connection)
        self._stir()

    def left(self, connection: Connection) -> None:
        """It is over."""
        self._joined.discard(connection)
        if connection in self._untold:
            self._untold.discard(connection)
            return
        self._left.add((connection.ticket.connection, connection.ticket.instance))
        self._stir()

    async def run(self) -> None:
        """Write soon after every join and leave, many together, and everything at every beat; until cancelled."""
        loop = asyncio.get_running_loop()
        next_beat = loop.time()
        while True:
            await self._wait_until(next_beat)
            await asyncio.sleep(GATHER_SECONDS)
            whole = loop.time() >= next_beat
            if whole:
                next_beat = loop.time() + self._beat
            try:
                await self.write(whole)
                self._behind = False
            except StoreAway as away:
                if not self._behind:  # once, not at every try
                    _log.warning("presence.unwritten", reason=str(away))
                self._behind = True
                await asyncio.sleep(1.0)
            except Exception:  # noqa: BLE001  (top of a loop: leases must be written, whatever one turn met)
                _log.exception("presence.failed")
                await asyncio.sleep(1.0)

    async def flush(self) -> None:
        """Write what is still open, for the last time; Redis may be away."""
        try:
            await self.write(whole=False)
        except StoreAway as away:
            _log.warning("presence.unwritten", reason=str(away))

    async def write(self, whole: bool) -> None:
        """Write the leases of all (``whole``) or of new connections, remove those that left, and ring.

        Raises StoreAway; then nothing is forgotten and the next call does it.
        """
        self._changed.clear()
        joined, left = set(self._joined), set(self._left)
        since = self._since if joined or left else 0.0
        self._untold.clear()
        if not (whole or joined or left):
            self._since = 0.0
            return
        leases = [connection.lease(self._proxy) for connection in (self._connections() if whole else joined)]
        left -= {(lease.connection, lease.instance) for lease in leases}
        if leases or left:
            await self._store.write_presence(leases, sorted(left), await self._store.now() + contract.LEASE_SECONDS)
        changed = {connection.ticket.instance for connection in joined} | {instance for _, instance in left}
        await self._store.ring_presence(sorted(changed))
        self._joined -= joined
        self._left -= left
        if since:
            self._lagged(time.monotonic() - since)
        self._since = time.monotonic() if self._joined or self._left else 0.0

    def _stir(self) -> None:
        self._since = self._since or time.monotonic()
        self._changed.set()

    async def _wait_until(self, when: float) -> None:
        try:
            async with asyncio.timeout_at(when):
                await self._changed.wait()
        except TimeoutError:
            return
