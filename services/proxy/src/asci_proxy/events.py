"""``GET /connect/events``: pages hear that something changed, and ask for themselves what it is."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
import time
from collections import Counter
from dataclasses import replace

from aiohttp import WSMsgType, web

from asci_proxy import guards, tickets
from asci_proxy.handover import SUBPROTOCOL
from asci_proxy.live import Facts, LiveTable
from asci_proxy.metrics import Metrics
from asci_proxy.store import Store, StoreAway
from asci_proxy.tickets import Refused
from asci_proxy.upgrades import Gate
from asci_shared import redis_contract as contract
from asci_shared.close_codes import CloseCode
from asci_shared.logging import get_logger

ALL = json.dumps({"topic": "all"})
"""Something was missed: ask for everything once."""
HEARTBEAT_SECONDS = 20.0
_CLOSE_SECONDS = 1.0
_MOST_WAITING = 200
_MOST_CLIENT_BYTES = 1024
_TOLD_BURST, _TOLD_PER_SECOND = 60, 1.0
"""What a page may say, pings and pongs included: nothing is expected but the answers to our pings."""
_READ_BYTES = 4096
"""The kernel holds about so much of what a page says: a flood of it is not read in long helpings."""

_log = get_logger(__name__)


class Page:
    """One listening page. Rings wait here until its socket takes them; equal ones are one, too many are "all"."""

    def __init__(self, record: contract.TokenRecord, facts: Facts) -> None:
        self._facts = facts
        self._admin = "admin" in record.roles
        self._waiting: dict[tuple[str, str], int] = {}
        self._everything = False
        self._stirred = asyncio.Event()
        self._end: tuple[int, str] | None = None

    @property
    def facts(self) -> Facts:
        """Whose page it is."""
        return self._facts

    def hears(self, ring: contract.Ring) -> bool:
        """Whether this ring is for this person."""
        if self._admin or self._facts.username in ring.audience:
            return True
        return ring.topic != "instance" and not ring.audience

    def ring(self, ring: contract.Ring) -> None:
        """Tell the page soon. A revision 0 does not hide a higher one that waits."""
        key = (ring.topic, ring.id)
        self._waiting[key] = max(ring.revision, self._waiting.get(key, 0))
        self._everything = self._everything or len(self._waiting) > _MOST_WAITING
        self._stirred.set()

    def ring_all(self) -> None:
        """Tell the page to ask for everything."""
        self._everything = True
        self._stirred.set()

    def revoke(self, code: int, reason: str) -> None:
        """Close it."""
        if self._end is None:
            self._end = (code, reason)
        self._stirred.set()

    @property
    def ended(self) -> bool:
        """Whether it was revoked."""
        return self._end is not None

    async def speak(self, socket: web.WebSocketResponse) -> None:
        """Send what waits, until the page is revoked or gone."""
        while self._end is None:
            await self._stirred.wait()
            self._stirred.clear()
            for text in self._take():
                if self._end is None:
                    await socket.send_str(text)
        code, reason = self._end
        await socket.close(code=code, message=reason.encode())

    def _take(self) -> list[str]:
        waiting, self._waiting = self._waiting, {}
        if self._everything:
            self._everything = False
            return [ALL]
        return [
            json.dumps({"topic": topic, "id": name, "revision": revision}, separators=(",", ":"))
            for (topic, name), revision in waiting.items()
        ]


class Events:
    """The route, and all pages that listen."""

    def __init__(self, gate: Gate, store: Store, live: LiveTable, metrics: Metrics, person_pages: int) -> None:
        self._gate, self._store, self._live, self._metrics = gate, store, live, metrics
        self._most = person_pages
        self._pages: set[Page] = set()
        self._people: Counter[str] = Counter()

    def heard(self, text: bytes) -> None:
        """A message of the channel ``asci:ring``."""
        try:
            ring = contract.Ring.from_json(text)
            ring = replace(
                ring, topic=str(ring.topic), id=str(ring.id), revision=int(ring.revision), audience=tuple(ring.audience)
            )
        except (ValueError, TypeError, AttributeError):
            _log.error("ring.unreadable", bytes=len(text))
            return
        self._metrics.rings.inc()
        for page in self._pages:
            if page.hears(ring):
                page.ring(ring)

    def ring_all(self) -> None:
        """Rings may have been missed: every page asks for everything once."""
        for page in self._pages:
            page.ring_all()

    def close_all(self, code: int, reason: str) -> None:
        """The proxy ends."""
        for page in self._pages:
            page.revoke(code, reason)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The route."""
        upgrade = self._gate.open(request)
        try:
            page = await self._admit(self._gate.token(upgrade))
        except Refused as refused:
            return self._gate.turn_away(upgrade, refused, connection="events")
        try:
            return await self._attend(request, page)
        finally:
            self._forget(page)

    async def _admit(self, token: str) -> Page:
        try:
            record = tickets.signed_in(standing := await self._store.standing(token))
            if self._people[record.username] >= self._most:
                raise Refused(CloseCode.TOO_MANY, "person-pages", "You have too many pages open.")
            page = Page(record, Facts(token=token, username=record.username, issued_at=standing.now))
            self._remember(page)
            try:  # again behind the registration: a sign-out in between is seen by one of the two
                tickets.signed_in(await self._store.standing(token))
            except BaseException:
                self._forget(page)
                raise
        except StoreAway as away:
            _log.warning("store.away", reason=str(away))
            raise Refused(CloseCode.TRY_LATER, "store-away", "ASCI cannot check your sign-in just now.") from None
        return page

    async def _attend(self, request: web.Request, page: Page) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            timeout=_CLOSE_SECONDS,
            heartbeat=HEARTBEAT_SECONDS,
            autoping=False,  # they are counted
            protocols=(SUBPROTOCOL,),
            compress=False,
            max_msg_size=_MOST_CLIENT_BYTES,
        )
        await socket.prepare(request)
        _read_little(request)
        speaking = asyncio.get_running_loop().create_task(page.speak(socket))
        told = guards.RateLimit(_TOLD_BURST, _TOLD_PER_SECOND, time.monotonic)
        try:
            async for message in socket:
                if not told.allows(""):
                    page.revoke(CloseCode.TOO_MANY, "This page says too much; it is there to listen.")
                    break
                if message.type is WSMsgType.PING:
                    await socket.pong(message.data)
            if page.ended:
                await speaking
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
        return socket

    def _remember(self, page: Page) -> None:
        self._pages.add(page)
        self._people[page.facts.username] += 1
        self._live.add(page)
        self._metrics.events_pages.set(len(self._pages))

    def _forget(self, page: Page) -> None:
        if page not in self._pages:
            return
        self._pages.discard(page)
        self._people[page.facts.username] -= 1
        self._live.discard(page)
        self._metrics.events_pages.set(len(self._pages))


def _read_little(request: web.Request) -> None:
    sock = request.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, _READ_BYTES)
