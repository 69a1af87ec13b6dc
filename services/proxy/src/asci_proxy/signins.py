"""The sign-ins behind what is open: renewed by input, ended when they ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from asci_proxy.connection import Connection
from asci_proxy.live import Held, LiveTable
from asci_proxy.store import Store
from asci_shared.close_codes import CloseCode

ENDED = "Your sign-in has ended."
_MISSES = 2


class SignIns:
    """Renews the tokens of connections with input, and closes what stands on a token that ended.

    A token ended when its record was missing at two beats in a row while the sentinel stood, or its time was up.
    """

    def __init__(
        self,
        store: Store,
        live: LiveTable,
        connections: Callable[[], Iterable[Connection]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._live, self._connections, self._clock = store, live, connections, clock
        self._missed: dict[str, int] = {}

    async def renew(self) -> None:
        """Set anew the expiry of each token whose person typed or pointed since the last time. Raises StoreAway."""
        now, seconds = self._clock(), {}
        used = [connection for connection in self._connections() if _used(connection)]
        for connection in used:
            left = int(min(connection.idle_seconds, connection.expires_at - now))
            if left > 0:
                seconds[connection.ticket.token] = left
        await self._store.renew_tokens(seconds)
        for connection in used:
            if connection.link is not None:
                connection.renewed_at = connection.link.last_input

    async def check(self) -> None:
        """Close what stands on ended tokens. Raises StoreAway."""
        held: dict[str, list[Held]] = {}
        for one in self._live:
            held.setdefault(one.facts.token, []).append(one)
        vanished = await self._store.vanished(sorted(held))
        self._missed = {token: self._missed.get(token, 0) + 1 for token in vanished}
        ended = {token for token, misses in self._missed.items() if misses >= _MISSES}
        now = self._clock()
        ended |= {c.ticket.token for c in self._connections() if c.expires_at <= now}
        for token in ended:
            for one in held.get(token, []):
                one.revoke(CloseCode.SIGNED_OUT, ENDED)


def _used(connection: Connection) -> bool:
    return connection.link is not None and connection.link.last_input > connection.renewed_at
