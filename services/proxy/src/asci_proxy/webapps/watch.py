"""Keeps app sessions true to what was revoked, also those that no process has at hand.

Tombstones fall away after ten minutes, a session rests for hours. So each is applied to the records in Redis when it
comes; while the epoch stands, all were (:mod:`asci_proxy.webapps.records`).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from asci_proxy.background import Background
from asci_proxy.revocations import OVERLAP_SECONDS
from asci_proxy.store import StoreAway
from asci_proxy.webapps.records import AppRecords, Ended
from asci_proxy.webapps.sessions import AppSessions
from asci_shared import redis_contract as contract
from asci_shared.logging import get_logger

_log = get_logger(__name__)


class AppWatch:
    """Applies revocations one after the other; applying one twice is harmless."""

    def __init__(self, records: AppRecords, sessions: AppSessions, background: Background) -> None:
        self._records, self._sessions, self._background = records, sessions, background
        self._read_until = 0.0
        self._applied: dict[str, float] = {}
        self._turn = asyncio.Lock()

    def pushed(self, text: bytes) -> None:
        """A message of the channel ``asci:revoked``; what is at hand was closed by the live table."""
        try:
            revocation = contract.Revocation.from_json(text)
        except (ValueError, TypeError, AttributeError):
            return  # told where the live table reads it
        if revocation.instance:
            self._raise(revocation)
            self._background.spawn(self._apply_pushed(revocation))

    async def catch_up(self) -> None:
        """Apply the tombstones since the last reading, then renew the epoch. Raises StoreAway."""
        now = await self._records.now()
        for revocation in await self._records.revocations(min(self._read_until, now) - OVERLAP_SECONDS):
            self._raise(revocation)
            await self._apply(revocation)
        self._read_until = now
        self._applied = {one: at for one, at in self._applied.items() if at > now - 3 * OVERLAP_SECONDS}
        await self._records.renew_epoch()

    async def _apply_pushed(self, revocation: contract.Revocation) -> None:
        try:
            await self._apply(revocation)
        except StoreAway as away:  # the next beat does it
            _log.warning("revocation.unapplied", id=revocation.id, reason=str(away))

    async def _apply(self, revocation: contract.Revocation) -> None:
        """End the records that it hits, raise the others' generation. A sign-in's end is seen at the next load."""
        if not revocation.instance or revocation.id in self._applied:
            return
        async with self._turn:
            for cookie_hash, right in (await self._records.of_instance(revocation.instance)).items():
                if right.facts.hit_by(revocation):
                    ended = Ended(revocation.code, revocation.reason)
                    await self._records.end(cookie_hash, right.instance, ended)
                elif revocation.generation > right.generation:
                    await self._records.replace(cookie_hash, replace(right, generation=revocation.generation))
        self._applied[revocation.id] = revocation.at

    def _raise(self, revocation: contract.Revocation) -> None:
        if revocation.generation:
            for session in self._sessions:
                if session.right.instance == revocation.instance:
                    session.raise_generation(revocation.generation)
