"""Rights that were taken away: by push at once, and behind it by reading the tombstones at every beat."""

from __future__ import annotations

from asci_proxy.live import LiveTable
from asci_proxy.store import Store
from asci_shared import redis_contract as contract
from asci_shared.logging import get_logger

OVERLAP_SECONDS = 15.0
"""How far a reading goes back behind the last one: a tombstone's time is taken before it is written."""

_log = get_logger(__name__)


class Revocations:
    """Applies revocations to the live table; applying one twice is harmless."""

    def __init__(self, store: Store, live: LiveTable) -> None:
        self._store, self._live = store, live
        self._read_until = 0.0

    def pushed(self, text: bytes) -> None:
        """A message of the channel ``asci:revoked``."""
        try:
            revocation = contract.Revocation.from_json(text)
        except (ValueError, TypeError, AttributeError):
            _log.error("revocation.unreadable", bytes=len(text))
            return
        self._apply([revocation], "push")

    async def catch_up(self) -> None:
        """Apply the tombstones since the last reading. Raises StoreAway."""
        now = await self._store.now()
        # Redis' clock may have been set back: then what it says now counts, not what was seen before
        since = min(self._read_until, now) - OVERLAP_SECONDS
        self._apply(await self._store.revocations(since), "catch-up")
        self._read_until = now

    def _apply(self, revocations: list[contract.Revocation], way: str) -> None:
        for revocation in revocations:
            try:
                closed = self._live.apply(revocation)
            except TypeError:  # one that holds nonsense must not shield those behind it
                _log.error("revocation.unreadable", id=str(revocation.id))
                continue
            if closed:
                _log.info("revocation.applied", id=revocation.id, kind=revocation.kind, closed=closed, way=way)
