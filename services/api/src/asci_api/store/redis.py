"""The connection to Redis: made here, its errors translated here, its scripts run here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any, NoReturn

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import (
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.retry import Retry

from asci_api.domain.errors import Fenced, Restoring, Unavailable
from asci_api.domain.ports import Fence
from asci_api.store import keys
from asci_shared.logging import get_logger
from asci_shared.redis_contract import SENTINEL

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
CHECK_SECONDS = 15

_PASSING_KINDS = (OutOfMemoryError, ReadOnlyError, NoPermissionError)
_PASSING_WORDS = ("OOM", "READONLY", "NOPERM", "MISCONF", "BUSY", "MASTERDOWN", "NOREPLICAS")
"""Refusals that are the server's state or its operator's settings, not a mistake of ours."""
_log = get_logger(__name__)

Argument = str | bytes | int | float


def connect(url: str, password: str = "", *, name: str = "asci") -> redis.Redis:
    """A client of ``url`` (``redis://user@host:port/0`` or ``unix://``), safe for threads and forks.

    Connects when first used. An answer takes at most :data:`ANSWER_SECONDS`. A connection found dead (Redis was
    restarted) is made again once: every write here is safe to repeat.
    """
    return redis.Redis.from_url(
        url,
        password=password or None,
        client_name=name,
        protocol=2,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        health_check_interval=CHECK_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(Disconnected,)),
    )


def hurried(client: redis.Redis, seconds: float) -> redis.Redis:
    """A client of the same server that gives up after ``seconds`` and tries nothing twice."""
    pool = client.connection_pool
    once = Retry(NoBackoff(), 0)
    limits = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "retry": once, "health_check_interval": 0}
    facts = {**pool.connection_kwargs, **limits}
    return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=pool.connection_class, **facts))


@contextmanager
def answering() -> Iterator[None]:
    """Turns Redis' errors into the domain's: ``Restoring``, ``Fenced``, else ``Unavailable``."""
    try:
        yield
    except (RedisError, OSError) as error:
        fail(error)


def fail(error: Exception) -> NoReturn:
    """Raise what an error of Redis means."""
    if not isinstance(error, ResponseError):
        raise Unavailable("ASCI's records cannot be reached.", detail=type(error).__name__) from error
    _refuse(error)


def _refuse(refusal: ResponseError) -> NoReturn:
    text = str(refusal)
    if text.startswith("ASCI_RESTORING"):
        raise Restoring from refusal
    if text.startswith("ASCI_FENCED"):
        raise Fenced("Another controller leads now.") from refusal
    if isinstance(refusal, _PASSING_KINDS) or text.startswith(_PASSING_WORDS) or "-OOM" in text:
        _log.error("redis.refused", cause=text)
        raise Unavailable("ASCI's records cannot be written.", detail=type(refusal).__name__) from refusal
    raise refusal


@cache
def script(name: str) -> str:
    """The Lua of ``lua/<name>.lua`` behind ``lua/guard.lua``, whose functions every script may call."""
    folder = files("asci_api.store") / "lua"
    return (folder / "guard.lua").read_text("utf-8") + (folder / f"{name}.lua").read_text("utf-8")


@cache
def script_hash(name: str) -> str:
    """What EVALSHA calls it."""
    return sha1(script(name).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Door:
    """The client, and the fence under which its holder writes (None: not a leader's)."""

    client: redis.Redis
    fence: Fence | None = None

    def fenced(self, fence: Fence) -> Door:
        return replace(self, fence=fence)

    def read(self, *wanted: str) -> list[bytes | None]:
        """The values of keys at one moment, None for each that is missing."""
        with answering():
            values: list[Any] = self.client.mget(wanted)
        return values

    def run(self, name: str, wanted: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run a script on KEYS ``wanted`` with ARGV ``arguments``."""
        with answering():
            try:
                return self.client.evalsha(script_hash(name), len(wanted), *wanted, *arguments)
            except NoScriptError:
                return self.client.eval(script(name), len(wanted), *wanted, *arguments)

    def write(self, name: str, wanted: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run a script that begins with the guard: three keys and two arguments of the guard stand first.
        Raises ``Restoring`` and ``Fenced``."""
        return self.run(name, [*GUARD_KEYS, *wanted], [*self.guard_arguments, *arguments])

    @property
    def guard_arguments(self) -> tuple[str, str]:
        return ("", "") if self.fence is None else (str(self.fence.epoch), str(self.fence.number))


GUARD_KEYS = (SENTINEL, keys.LEADER, keys.CHANGES)
