"""What of web applications stands in Redis: the app sessions behind the cookies. The proxies' own keys.

==============================  ======  =============================  ===============================================
key                             type    expiry                         losing it costs
==============================  ======  =============================  ===============================================
``asci:app:{sha256}``           string  idle time, renewed by use      opening the application again from the portal
``asci:app:{sha256}:end``       string  10 min                         the reason on the page
``asci:app:of:{instance}``      set     idle time, with the sessions   what it indexes counts no more at its next load
``asci:app:epoch``              string  9 min, renewed by every beat   all app sessions: opening them again
==============================  ======  =============================  ===============================================

Tombstones live for ten minutes, app sessions for hours. So the proxies apply every tombstone to the records too, and
renew the *epoch* whenever they have; while it stands, no tombstone can have been missed. A record of another epoch is
worth nothing. ``{sha256}`` is that of the cookie's value, which is stored nowhere.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from asci_proxy.live import Facts
from asci_proxy.store import Standing, Store
from asci_shared import redis_contract as contract

EPOCH = "asci:app:epoch"
EPOCH_SECONDS = contract.REVOCATION_SECONDS - 60
LEASE_SECONDS = 30
"""Of an app session's presence; every proxy that sees it used writes it, none removes it while it may be used."""


def record_key(cookie_hash: str) -> str:
    """Where an app session stands."""
    return f"asci:app:{cookie_hash}"


def end_key(cookie_hash: str) -> str:
    """Where the reason of its end stands for a while."""
    return f"asci:app:{cookie_hash}:end"


def index_key(instance: str) -> str:
    """The hashes of an instance's app sessions."""
    return f"asci:app:of:{instance}"


@dataclass(frozen=True, slots=True)
class AppRight(contract.Document):
    """One browser's right to one web application."""

    connection: str
    instance: str
    username: str
    name: str
    token: str
    """SHA-256 (hex) of the sign-in token that it stands on."""
    mode: str
    generation: int
    """Of the instance's upstream secret."""
    address: str
    port: int
    issued_at: float
    """Redis time of the ticket; later revocations concern it."""
    since: float
    """Redis time of the entry."""
    epoch: str
    request_id: str = ""

    @classmethod
    def of(cls, ticket: contract.Ticket, since: float, epoch: str) -> AppRight:
        """What a taken ticket gives."""
        return cls(
            connection=ticket.connection, instance=ticket.instance, username=ticket.username, name=ticket.name,
            token=ticket.token, mode=ticket.mode, generation=ticket.generation, address=ticket.address,
            port=ticket.port, issued_at=ticket.issued_at, since=since, epoch=epoch, request_id=ticket.request_id,
        )  # fmt: skip

    @property
    def facts(self) -> Facts:
        """All that a revocation may ask for."""
        return Facts(self.token, self.username, self.issued_at, self.connection, self.instance, self.mode)


@dataclass(frozen=True, slots=True)
class Ended:
    """Why an app session is over."""

    code: int
    reason: str


class AppRecords:
    """Reads and writes them. Every method raises StoreAway."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take_ticket(self, connection: str) -> contract.Ticket | None:
        """Take it, once and for all."""
        (text,) = await self._store.ask(lambda commands: commands.getdel(contract.ticket_key(connection)))
        return _read(contract.Ticket, text)

    async def standing(self, token: str) -> Standing:
        """What is known of a sign-in token."""
        return await self._store.standing(token)

    async def revocations(self, since: float) -> list[contract.Revocation]:
        """The tombstones from ``since`` (Redis time) on."""
        return await self._store.revocations(since)

    async def now(self) -> float:
        """Redis' clock."""
        return await self._store.now()

    async def epoch(self) -> str:
        """The present epoch; a new one begins where none stands."""

        def ask(commands: Any) -> None:
            commands.set(EPOCH, secrets.token_hex(8), nx=True, ex=EPOCH_SECONDS)
            commands.get(EPOCH)

        _, epoch = await self._store.ask(ask)
        return epoch.decode() if epoch else ""

    async def renew_epoch(self) -> None:
        """All tombstones were applied a moment ago."""

        def ask(commands: Any) -> None:
            commands.set(EPOCH, secrets.token_hex(8), nx=True, ex=EPOCH_SECONDS)
            commands.expire(EPOCH, EPOCH_SECONDS)

        await self._store.ask(ask)

    async def write(self, cookie_hash: str, right: AppRight, seconds: int) -> None:
        """Keep an app session for so long."""

        def ask(commands: Any) -> None:
            commands.set(record_key(cookie_hash), right.to_json(), ex=seconds)
            commands.sadd(index_key(right.instance), cookie_hash)
            commands.expire(index_key(right.instance), seconds, gt=True)
            commands.expire(index_key(right.instance), seconds, nx=True)

        await self._store.ask(ask)

    async def find(self, cookie_hash: str) -> AppRight | Ended | None:
        """The session, why it ended, or None. A record of a past epoch is none."""

        def ask(commands: Any) -> None:
            commands.mget(record_key(cookie_hash), end_key(cookie_hash), EPOCH)

        ((record, end, epoch),) = await self._store.ask(ask)
        right = _read(AppRight, record)
        if right is not None:
            return right if epoch is not None and right.epoch == epoch.decode() else None
        return _ended(end)

    async def end(self, cookie_hash: str, instance: str, ended: Ended) -> None:
        """Forget it and keep the reason. Repeating is harmless."""

        def ask(commands: Any) -> None:
            commands.delete(record_key(cookie_hash))
            commands.srem(index_key(instance), cookie_hash)
            commands.set(end_key(cookie_hash), json.dumps(asdict(ended)), ex=contract.REVOCATION_SECONDS)

        await self._store.ask(ask)

    async def of_instance(self, instance: str) -> dict[str, AppRight]:
        """All app sessions of an instance by cookie hash."""
        (members,) = await self._store.ask(lambda commands: commands.smembers(index_key(instance)))
        hashes = [member.decode() for member in members]
        if not hashes:
            return {}
        (texts,) = await self._store.ask(lambda commands: commands.mget([record_key(one) for one in hashes]))
        rights = {one: _read(AppRight, text) for one, text in zip(hashes, texts, strict=True)}
        return {one: right for one, right in rights.items() if right is not None}

    async def replace(self, cookie_hash: str, right: AppRight) -> None:
        """Write it anew where it still stands; its time goes on."""
        await self._store.ask(lambda c: c.set(record_key(cookie_hash), right.to_json(), xx=True, keepttl=True))

    async def renew(self, used: dict[str, tuple[AppRight, int]]) -> None:
        """Set the expiry in seconds of used sessions and of the sign-ins below them; what is gone stays gone."""

        def ask(commands: Any) -> None:
            for cookie_hash, (right, seconds) in used.items():
                commands.expire(record_key(cookie_hash), seconds)
                commands.expire(index_key(right.instance), seconds, gt=True)
                commands.expire(contract.token_key(right.token), seconds)

        await self._store.ask(ask)

    async def write_leases(self, leases: list[contract.Lease]) -> None:
        """Say for the next 30 s that these are on."""
        now = await self._store.now()

        def ask(commands: Any) -> None:
            for lease in leases:
                presence = contract.presence_key(lease.instance)
                commands.set(contract.lease_key(lease.connection), lease.to_json(), ex=LEASE_SECONDS)
                commands.zremrangebyscore(presence, "-inf", now)
                commands.zadd(presence, {lease.connection: now + LEASE_SECONDS})
                commands.expire(presence, contract.LEASE_SECONDS)

        await self._store.ask(ask)

    async def ring(self, instances: list[str]) -> None:
        """Ring that who is on these instances changed."""
        await self._store.ring_presence(instances)

    async def drop_leases(self, gone: list[tuple[str, str]]) -> None:
        """Remove the leases of ended sessions, pairs of connection and instance."""
        await self._store.write_presence([], gone, 0.0)


_Document = TypeVar("_Document", bound=contract.Document)


def _read(kind: type[_Document], text: bytes | None) -> _Document | None:
    """The document, or None where there is none that can be read."""
    if text is None:
        return None
    try:
        return kind.from_json(text)
    except (ValueError, TypeError, AttributeError):
        return None


def _ended(text: bytes | None) -> Ended | None:
    try:
        return None if text is None else Ended(**json.loads(text))
    except (ValueError, TypeError):
        return None
