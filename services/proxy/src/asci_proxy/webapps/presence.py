"""Who has a web application open: leases while app sessions are used, and the ring when one comes or goes.

Requests of one session may meet several proxies, so none removes a lease that another may still mean: each writes for
30 s while it sees use, until 20 s after the last of it. A person is gone at most 60 s after she closed the page.
"""

from __future__ import annotations

import asyncio
import time

from asci_proxy.webapps.records import AppRecords
from asci_proxy.webapps.sessions import AppSession, AppSessions, seconds_left

USED_SECONDS = 20.0


class AppPresence:
    """Writes leases at every beat and at ends, one writing after the other: none comes back after it was removed."""

    def __init__(self, records: AppRecords, sessions: AppSessions, proxy: str) -> None:
        self._records, self._sessions, self._proxy = records, sessions, proxy
        self._on: dict[str, str] = {}
        self._ended: set[tuple[str, str]] = set()
        self._turn = asyncio.Lock()

    def ended(self, session: AppSession) -> None:
        """It was revoked: its lease goes at the next writing."""
        self._ended.add((session.right.connection, session.right.instance))

    async def write(self) -> None:
        """Write what is in use, remove what was revoked, ring where somebody came or went. Raises StoreAway."""
        async with self._turn:
            await self._drop_ended()
            leases = [one.lease(self._proxy) for one in self._sessions if one.in_use(USED_SECONDS)]
            if leases:
                await self._records.write_leases(leases)
            await self._tell({one.connection: one.instance for one in leases})

    async def write_entry(self, session: AppSession) -> None:
        """Write one that came in just now, and ring. Raises StoreAway."""
        async with self._turn:
            if session.verdict is None:
                await self._records.write_leases([session.lease(self._proxy)])
                await self._tell(self._on | {session.right.connection: session.right.instance})

    async def write_ends(self) -> None:
        """Remove what was revoked, and ring; the rest waits for its beat. Raises StoreAway."""
        async with self._turn:
            ended = await self._drop_ended()
            await self._tell(dict(self._on.items() - ended))

    async def _drop_ended(self) -> set[tuple[str, str]]:
        ended = set(self._ended)
        if ended:
            await self._records.drop_leases(sorted(ended))
        self._ended -= ended
        return ended

    async def _tell(self, on: dict[str, str]) -> None:
        """Ring for the instances where somebody came or went since the last time."""
        changed = {instance for _, instance in set(on.items()) ^ set(self._on.items())}
        if changed:
            await self._records.ring(sorted(changed))
        self._on = on

    async def renew(self) -> None:
        """Set anew the time of sessions and sign-ins that were used since the last call. Raises StoreAway."""
        now = time.time()
        used = [one for one in self._sessions if one.last_input > one.renewed_at and not one.expired]
        seen = {one.cookie_hash: one.last_input for one in used}
        if used:
            await self._records.renew({one.cookie_hash: (one.right, seconds_left(one, now)) for one in used})
        for one in used:
            one.renewed_at = seen[one.cookie_hash]
