"""All that the proxy says to Redis, over :mod:`wire` and ``redis``. Keys, values: ``asci_shared.redis_contract``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from asci_proxy.wire import Command, Wire, WireLost
from asci_shared import redis_contract as contract

ANSWER_SECONDS = 3.0
_CONNECTIONS = 8
_LEASES_AT_ONCE = 25
"""About half a millisecond's work; between two such slices bytes flow."""
_Item = TypeVar("_Item")


class StoreAway(Exception):
    """Redis does not answer. The text is for the log."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What Redis knows of a sign-in token."""

    restored: bool
    """The sentinel is there, so that a missing key means something."""
    record: contract.TokenRecord | None
    now: float
    """Redis' clock."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreAway(f"{type(error).__name__}: {error}") from error


class Store:
    """One Redis, seen from the proxy. Every method raises StoreAway when Redis does not answer within 3 s."""

    def __init__(self, url: str, password: str | None = None) -> None:
        options: dict[str, Any] = {
            "password": password,
            "protocol": 2,
            "socket_timeout": ANSWER_SECONDS,
            "socket_connect_timeout": ANSWER_SECONDS,
        }
        # A connection that Redis closed meanwhile is replaced once, without a word
        asking = redis.BlockingConnectionPool.from_url(
            url, max_connections=_CONNECTIONS, timeout=ANSWER_SECONDS, retry=Retry(NoBackoff(), 1), **options
        )
        # A subscription must not be: what was published in between is lost, and somebody has to know
        hearing = redis.ConnectionPool.from_url(url, retry=Retry(NoBackoff(), 0), **options)
        self._redis, self._hearing = redis.Redis.from_pool(asking), redis.Redis.from_pool(hearing)
        self._wire = Wire(url, password, ANSWER_SECONDS)

    async def close(self) -> None:
        """Close all connections."""
        await self._wire.close()
        await self._redis.aclose()
        await self._hearing.aclose()

    async def ping(self) -> None:
        """Whether Redis answers."""
        await self._ask(("PING",))

    async def take_ticket(self, connection: str, token: str) -> tuple[contract.Ticket | None, Standing]:
        """Take the ticket, once and for all, and look at the token."""
        text, *standing = await self._ask(("GETDEL", contract.ticket_key(connection)), *_about_standing(token))
        return _read(contract.Ticket, text), _standing(standing)

    async def standing(self, token: str) -> Standing:
        """What is known of a token."""
        return _standing(await self._ask(*_about_standing(token)))

    async def revocations(self, since: float) -> list[contract.Revocation]:
        """The tombstones of the last ten minutes from ``since`` (Redis time) on."""
        (members,) = await self._ask(("ZRANGEBYSCORE", contract.REVOCATIONS, since, "+inf"))
        return [revocation for text in members if (revocation := _read(contract.Revocation, text)) is not None]

    async def now(self) -> float:
        """Redis' clock."""
        (clock,) = await self._ask(("TIME",))
        return _seconds(clock)

    async def write_presence(
        self, leases: Sequence[contract.Lease], gone: Sequence[tuple[str, str]], expires_at: float
    ) -> None:
        """Write ``leases`` (again) and remove those that are ``gone``, pairs of connection and instance."""
        for some in _slices(leases, _LEASES_AT_ONCE):
            await self._ask(*_lease_commands(some, expires_at))
        for ended in _slices(gone):
            commands: list[Command] = []
            for connection, instance in ended:
                commands.append(("DEL", contract.lease_key(connection)))
                commands.append(("ZREM", contract.presence_key(instance), connection))
            await self._ask(*commands)

    async def ring_presence(self, instances: Sequence[str]) -> None:
        """Ring that who is on these instances changed."""
        for some in _slices(instances):
            audiences = await self._ask(*[("SMEMBERS", contract.audience_key(instance)) for instance in some])
            rings: list[Command] = []
            for instance, people in zip(some, audiences, strict=True):
                names = tuple(sorted(person.decode() for person in people))
                ring = contract.Ring("instance", instance, 0, names)
                rings.append(("PUBLISH", contract.CHANNEL_RING, ring.to_json()))
            await self._ask(*rings)

    async def renew_tokens(self, seconds: dict[str, int]) -> None:
        """Set the expiry of used tokens; a token that is gone stays gone."""
        for some in _slices(list(seconds.items())):
            await self._ask(*[("EXPIRE", contract.token_key(token), left) for token, left in some])

    async def vanished(self, tokens: Sequence[str]) -> set[str]:
        """Which tokens have no record; none while the sentinel is missing, since absence is no evidence then."""
        missing: set[str] = set()
        for some in _slices(tokens):
            found = await self._ask(*[("EXISTS", contract.token_key(token)) for token in some])
            missing |= {token for token, there in zip(some, found, strict=True) if not there}
        if not missing:
            return missing
        (restored,) = await self._ask(("EXISTS", contract.SENTINEL))
        return missing if restored else set()

    async def wake(self, message: str) -> None:
        """Tell the controller something."""
        await self._ask(("PUBLISH", contract.CHANNEL_WAKE, message))

    @asynccontextmanager
    async def subscription(self, channels: Iterable[str]) -> AsyncIterator[Subscription]:
        """A subscription on a connection of its own, confirmed by Redis."""
        pubsub = self._hearing.pubsub()
        try:
            with _translated():
                await pubsub.subscribe(*channels)
            yield Subscription(pubsub)
        finally:
            with _translated():
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _ask(self, *commands: Command) -> list[Any]:
        try:
            return await self._wire.ask(*commands)
        except (WireLost, OSError) as error:
            raise StoreAway(str(error)) from error

    async def ask(self, build: Callable[[Any], object]) -> list[Any]:
        """The answers to what ``build`` puts into a pipeline of the library, as the library reads them."""
        commands = self._redis.pipeline(transaction=False)
        build(commands)
        with _translated():
            answers: list[Any] = await commands.execute()
        return answers


class Subscription:
    """What comes over some channels."""

    def __init__(self, pubsub: Any) -> None:
        self._pubsub = pubsub

    async def next(self, seconds: float) -> tuple[str, bytes] | None:
        """The next message as (channel, text); None when none came within ``seconds``. Raises StoreAway."""
        with _translated():
            message = await self._pubsub.get_message(ignore_subscribe_messages=False, timeout=seconds)
        if message is None:
            return None
        if message["type"] == "message":
            return message["channel"].decode(), message["data"]
        return "", str(message["type"]).encode()

    async def ping(self) -> None:
        """Ask for a sign of life; it comes through :meth:`next` as ("", b"pong")."""
        with _translated():
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._pubsub.ping()


def _about_standing(token: str) -> tuple[Command, Command, Command]:
    return ("EXISTS", contract.SENTINEL), ("GET", contract.token_key(token)), ("TIME",)


def _standing(answers: Sequence[Any]) -> Standing:
    sentinel, record, clock = answers
    return Standing(bool(sentinel), _read(contract.TokenRecord, record), _seconds(clock))


def _lease_commands(leases: Sequence[contract.Lease], expires_at: float) -> list[Command]:
    commands: list[Command] = []
    for lease in leases:
        commands.append(("SET", contract.lease_key(lease.connection), lease.to_json(), "EX", contract.LEASE_SECONDS))
        commands.append(("ZADD", contract.presence_key(lease.instance), expires_at, lease.connection))
    instances = {lease.instance for lease in leases}
    commands.extend(("EXPIRE", contract.presence_key(instance), contract.LEASE_SECONDS) for instance in instances)
    return commands


def _seconds(clock: Any) -> float:
    return float(clock[0]) + float(clock[1]) / 1e6


_Document = TypeVar("_Document", bound=contract.Document)


def _read(kind: type[_Document], text: bytes | None) -> _Document | None:
    """The document, or None where there is none that can be read."""
    if text is None:
        return None
    try:
        return kind.from_json(text)
    except (ValueError, TypeError, AttributeError):
        return None


def _slices(items: Sequence[_Item], size: int = 100) -> Iterator[Sequence[_Item]]:
    """In pieces, so that the loop serves others between them."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
