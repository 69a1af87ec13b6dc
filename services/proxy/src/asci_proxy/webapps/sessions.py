"""App sessions: a browser's right to one web application, from its cookie to its end.

The right is in Redis; each process keeps those in use at hand. One that is at hand stands in the live table, so that a
revocation reaches it as it reaches a desktop's connection (docs/decisions/0212): by push at once, by the tombstones at
the next beat. One that nobody has at hand is reached in Redis (:mod:`asci_proxy.webapps.watch`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from asci_proxy import tickets
from asci_proxy.live import Facts, LiveTable
from asci_proxy.store import StoreAway
from asci_proxy.tickets import Refused
from asci_proxy.webapps.records import AppRecords, AppRight, Ended
from asci_shared import redis_contract as contract
from asci_shared.close_codes import CloseCode
from asci_shared.logging import get_logger

KEPT_SECONDS = 60.0
"""How long a session that nobody uses stays at hand."""
AWAY = "ASCI cannot check your right just now."
NO_RIGHT = "Open this session from the portal."

_log = get_logger(__name__)


class Exchange(Protocol):
    """One request under way, or one open WebSocket."""

    def cut(self, code: int, reason: str) -> None:
        """End it at once. May be called several times."""

    def look(self) -> None:
        """End it where the browser has gone; called every second."""


class Keeper(Protocol):
    """Who is told of an end."""

    def session_ended(self, session: AppSession, code: int, reason: str) -> None:
        """It was revoked; called once."""


class AppSession:
    """One app session at hand."""

    def __init__(
        self, cookie_hash: str, right: AppRight, keeper: Keeper, clock: Callable[[], float] = time.time
    ) -> None:
        self.cookie_hash, self.right = cookie_hash, right
        self.record: contract.TokenRecord | None = None
        """The sign-in that it stands on, once that was looked at."""
        self.verdict: tuple[int, str] | None = None
        """Code and reason of the revocation that hit it."""
        self.exchanges: set[Exchange] = set()
        self.last_use = 0.0
        """Unix time of the last request, WebSocket message of the browser, or end of an exchange."""
        self.last_input = self.renewed_at = 0.0
        """Unix time of the person's last request or message, and of the one for which the sign-in was renewed."""
        self.requests = self.bytes_up = self.bytes_down = 0
        self._keeper, self._clock = keeper, clock

    @property
    def facts(self) -> Facts:
        """Whose, and on what."""
        return self.right.facts

    @property
    def expired(self) -> bool:
        """Whether the sign-in's time is up."""
        return self.record is not None and self.record.expires_at <= self._clock()

    def used(self) -> None:
        """The person asked for something."""
        self.last_use = self.last_input = self._clock()

    def begin(self, exchange: Exchange, by_person: bool) -> None:
        """An exchange starts; a page that polls is use, but nobody's input."""
        self.exchanges.add(exchange)
        self.requests += 1
        self.last_use = self._clock()
        if by_person:
            self.used()

    def over(self, exchange: Exchange) -> None:
        """It is over. Repeating is harmless."""
        if exchange in self.exchanges:
            self.exchanges.discard(exchange)
            self.last_use = self._clock()

    def in_use(self, seconds: float) -> bool:
        """Whether something is open, or was within so many seconds."""
        return bool(self.exchanges) or self._clock() - self.last_use < seconds

    def revoke(self, code: int, reason: str) -> None:
        """End it and everything that is open."""
        first = self.verdict is None
        if first:
            self.verdict = (code, reason)
        for exchange in list(self.exchanges):
            exchange.cut(code, reason)
        if first:
            self._keeper.session_ended(self, code, reason)

    def raise_generation(self, generation: int) -> None:
        """The application counts on a newer secret from now on."""
        if generation > self.right.generation:
            self.right = replace(self.right, generation=generation)

    def lease(self, proxy: str) -> contract.Lease:
        """Its presence as of now. Bytes are those of this process."""
        right = self.right
        return contract.Lease(
            connection=right.connection, instance=right.instance, username=right.username, name=right.name,
            mode=right.mode, token=right.token, proxy=proxy, since=right.since, last_input=self.last_input,
            bytes_out=self.bytes_down, bytes_in=self.bytes_up,
        )  # fmt: skip


class AppSessions:
    """Those at hand."""

    def __init__(self, records: AppRecords, live: LiveTable, keeper: Keeper) -> None:
        self._records, self._live, self._keeper = records, live, keeper
        self._at_hand: dict[str, AppSession] = {}
        self._coming: dict[str, asyncio.Task[AppSession]] = {}

    def __iter__(self) -> Iterator[AppSession]:
        return iter(list(self._at_hand.values()))

    def __len__(self) -> int:
        return len(self._at_hand)

    def at_hand(self, cookie_hashes: list[str], instance: str) -> AppSession | None:
        """The session where it needs no question to Redis."""
        for one in cookie_hashes:
            session = self._at_hand.get(one)
            if session is not None and session.right.instance == instance and not session.expired:
                return session
        return None

    async def find(self, cookie_hashes: list[str], instance: str) -> AppSession:
        """The first session that the cookies give on this instance. Raises Refused."""
        refused = Refused(CloseCode.SIGNED_OUT, "app-no-right", NO_RIGHT)
        for one in cookie_hashes:
            try:
                return await self._load_once(one, instance)
            except StoreAway as away:
                _log.warning("store.away", reason=str(away))
                raise Refused(CloseCode.TRY_LATER, "store-away", AWAY) from None
            except Refused as error:
                refused = error
        raise refused

    async def begin(self, cookie_hash: str, ticket: contract.Ticket, record: contract.TokenRecord) -> AppSession:
        """A new session for a taken ticket: register, read the tombstones, write. Raises Refused, StoreAway."""
        right = AppRight.of(ticket, await self._records.now(), await self._records.epoch())
        session = AppSession(cookie_hash, right, self._keeper)
        session.record = record
        session.used()
        self._live.add(session)
        try:
            await self._check(session)
            await self._records.write(cookie_hash, right, seconds_left(session, right.since))
            if session.verdict is not None:  # its end may have overtaken the writing
                await self._records.end(cookie_hash, right.instance, Ended(*session.verdict))
                raise revoked(session.verdict)
        except BaseException:
            self._live.discard(session)
            raise
        self._at_hand[cookie_hash] = session
        return session

    def forget(self, session: AppSession) -> None:
        """It is over, or not used any more. Repeating is harmless."""
        self._live.discard(session)
        if self._at_hand.get(session.cookie_hash) is session:
            del self._at_hand[session.cookie_hash]

    async def _load_once(self, cookie_hash: str, instance: str) -> AppSession:
        """A page asks for fifty things at once: the first one asks Redis, the others wait with it."""
        session = self.at_hand([cookie_hash], instance)
        if session is not None:
            return session
        coming = self._coming.get(cookie_hash)
        if coming is None:
            coming = asyncio.get_running_loop().create_task(self._load(cookie_hash, instance))
            self._coming[cookie_hash] = coming
            coming.add_done_callback(lambda task: self._came(cookie_hash, task))
        session = await asyncio.shield(coming)
        if session.verdict is not None:  # between its loading and this turn; nobody would cut what begins now
            raise revoked(session.verdict)
        if session.right.instance != instance:
            raise Refused(CloseCode.SIGNED_OUT, "app-no-right", NO_RIGHT)
        return session

    def _came(self, cookie_hash: str, task: asyncio.Task[AppSession]) -> None:
        self._coming.pop(cookie_hash, None)
        if not task.cancelled():
            task.exception()  # whoever waited for it may have left

    async def _load(self, cookie_hash: str, instance: str) -> AppSession:
        found = await self._records.find(cookie_hash)
        if isinstance(found, Ended):
            raise revoked((found.code, found.reason))
        if found is None or found.instance != instance:
            raise Refused(CloseCode.SIGNED_OUT, "app-no-right", NO_RIGHT)
        session = AppSession(cookie_hash, found, self._keeper)
        self._live.add(session)
        try:
            session.record = tickets.signed_in(await self._records.standing(found.token))
            await self._check(session)
        except BaseException:
            self._live.discard(session)
            raise
        session.last_use = time.time()
        self._at_hand[cookie_hash] = session
        return session

    async def _check(self, session: AppSession) -> None:
        """Look for revocations since the right was given, the session being registered: none falls in between."""
        for revocation in await self._records.revocations(session.right.issued_at):
            if session.facts.hit_by(revocation):
                session.revoke(revocation.code, revocation.reason)
            elif revocation.instance == session.right.instance:
                session.raise_generation(revocation.generation)
        if session.verdict is not None:
            raise revoked(session.verdict)


def seconds_left(session: AppSession, now: float) -> int:
    """How long the session may rest before it ends: as long as the sign-in below it."""
    record = session.record
    return 0 if record is None else max(1, int(min(record.idle_seconds, record.expires_at - now)))


def revoked(verdict: tuple[int, str]) -> Refused:
    """The refusal that tells a revocation's own words."""
    return Refused(verdict[0], "revoked", verdict[1])
