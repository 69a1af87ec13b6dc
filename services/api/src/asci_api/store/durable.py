"""The durable copy: follows the changes in Redis into SQLite, and writes them back when Redis lost its data.

The copy is read from a Redis whose sentinel stands, and from no other: while it is missing, what is not there says
nothing. A copy of everything is made when there is no way to go on from the stored cursor: the changes since were
trimmed away, or Redis was restored (another epoch), or it lost its last second (the cursor is ahead).
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from redis.exceptions import NoScriptError

from asci_api.domain.errors import Restoring, Unavailable
from asci_api.domain.instance import Instance
from asci_api.domain.ports import Fence
from asci_api.store import codec, keys
from asci_api.store.facts import Fact, Facts
from asci_api.store.instances import read_document, record_keys
from asci_api.store.redis import GUARD_KEYS, Argument, Door, answering, fail, script_hash
from asci_shared.logging import get_logger
from asci_shared.redis_contract import SENTINEL, TokenRecord, token_key

CHUNK = 500
BLOCK_SECONDS = 1.0
"""The longest that Redis is asked to wait, well below the time for an answer."""
SWEEP_SECONDS = 60.0
"""How often sign-ins that ran out in Redis are taken out of the copy."""
ENDED_SECONDS = 7 * 86400.0
"""Ended instances older than this are not restored."""
KINDS = ("instance", "log", "token", "policy", "starts", "registration", "overlay", "switch")
"""What a copy of everything replaces; lines of the audit are only added."""
TABLES = {"registration": keys.REGISTRATIONS, "overlay": keys.OVERLAYS, "switch": keys.SWITCHES}
"""Kinds of facts that are documents of a table."""
TELL_SECONDS = 5.0
"""How often it says that it has everything."""
_log = get_logger(__name__)

Thing = TypeVar("Thing")
Call = tuple[str, list[str], list[Argument]]
"""A script with its KEYS and ARGV behind the guard's."""


@dataclass(slots=True)
class RedisDurableCopy:
    """Satisfies ``DurableCopy``. One thread follows; another may restore."""

    door: Door
    facts: Facts
    _swept: float = field(default_factory=time.monotonic)
    _told: float = 0.0

    def follow(self, seconds: float) -> int:
        epoch, first, last = self._state()
        if epoch is None:
            time.sleep(seconds)
            return 0
        cursor = self.facts.cursor
        if epoch != self.facts.epoch or not first <= _order(cursor) <= last:
            return self._copy_everything(epoch)
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self._sweep(epoch)
        came = self._copy_changes(cursor, seconds)
        if came < CHUNK and time.monotonic() - self._told > TELL_SECONDS:
            self._tell()
        return came

    def restore(self, fence: Fence) -> int:
        written: int = self.door.fenced(fence).write("restore_begin", [], [])
        try:
            self.facts.catch_up()
            self.facts.begin_epoch(fence.epoch)
            for calls in _chunks(self._restoring()):
                written += self._send(fence, calls)
        except sqlite3.Error as error:
            raise Unavailable("The copy of the records cannot be read.", detail=str(error)) from error
        return written

    # -- following ---------------------------------------------------------------------------------------------------

    def _state(self) -> tuple[int | None, tuple[int, int], tuple[int, int]]:
        """The epoch (None without sentinel), and the first and last change that Redis still has."""
        with answering(), self.door.client.pipeline(transaction=True) as commands:
            commands.get(SENTINEL)
            commands.xrange(keys.CHANGES, count=1)
            commands.xrevrange(keys.CHANGES, count=1)
            sentinel, first, last = commands.execute()
        return None if sentinel is None else int(sentinel), _order_of(first), _order_of(last)

    def _copy_changes(self, cursor: str, seconds: float) -> int:
        block = max(1, int(min(seconds, BLOCK_SECONDS) * 1000))
        with answering():
            answer: Any = self.door.client.xread({keys.CHANGES: cursor}, count=CHUNK, block=block)
        if not answer:
            return 0
        entries = answer[0][1]
        changes = [fact for _, fields in entries if (fact := _fact(fields)) is not None]
        self.facts.apply(changes, entries[-1][0].decode())
        return len(entries)

    def _copy_everything(self, epoch: int) -> int:
        """Read all there is; kept if the records were whole under the same epoch from beginning to end."""
        began = time.monotonic()
        cursor = _entry(self._state()[2])
        lines = self._copy_audit()
        with self.facts.replacing(KINDS, self._everything(), cursor, epoch) as copied:
            if self._state()[0] != epoch:
                raise Restoring
        _log.info("facts.copied", facts=copied + lines, epoch=epoch, seconds=round(time.monotonic() - began, 3))
        return copied + lines

    def _everything(self) -> Iterator[Fact]:
        yield from self._records()
        yield from self._tokens()
        yield from self._values()

    def _records(self) -> Iterator[Fact]:
        with answering():
            members: Any = self.door.client.zrange(keys.INSTANCES, 0, -1)
        ids = [one.decode() for one in members]
        yield from self._documents("instance", ids, keys.instance)
        yield from self._documents("log", ids, keys.log)

    def _tokens(self) -> Iterator[Fact]:
        prefix = token_key("")
        hashes = [found.removeprefix(prefix) for found in self._scan(keys.TOKENS)]
        yield from self._documents("token", hashes, token_key)

    def _documents(self, kind: str, names: list[str], key_of: Any) -> Iterator[Fact]:
        for first in range(0, len(names), CHUNK):
            chunk = names[first : first + CHUNK]
            for name, document in zip(chunk, self.door.read(*map(key_of, chunk)), strict=True):
                if document is not None:
                    yield Fact(kind, name, document)

    def _values(self) -> Iterator[Fact]:
        (policy,) = self.door.read(keys.POLICY)
        if policy is not None:
            yield Fact("policy", "", policy)
        for key in self._scan(keys.STARTS):
            with answering():
                seconds: Any = self.door.client.lrange(key, 0, -1)
            document = codec.dump([float(one) for one in seconds]).encode()
            yield Fact("starts", key.removeprefix(keys.starts("")), document)
        for kind, table in TABLES.items():
            with answering():
                documents: Any = self.door.client.hgetall(table)
            yield from (Fact(kind, name.decode(), document) for name, document in documents.items())

    def _copy_audit(self) -> int:
        """Add the lines that the copy does not have yet; how many. What was written once is true for ever, so this
        needs no look at the sentinel."""
        last = "(" + _audit_id(known) if (known := self.facts.last_key("audit")) else "-"
        count = 0
        while True:
            with answering():
                lines: Any = self.door.client.xrange(keys.AUDIT, last, "+", count=CHUNK)
            self.facts.apply(Fact("audit", _audit_key(line), fields[b"entry"]) for line, fields in lines)
            count += len(lines)
            if len(lines) < CHUNK:
                self.facts.prune_audit()
                return count
            last = "(" + lines[-1][0].decode()

    def _scan(self, pattern: str) -> list[str]:
        with answering():
            return sorted({key.decode() for key in self.door.client.scan_iter(pattern, count=1000)})

    def _sweep(self, epoch: int) -> None:
        """Take out sign-ins that ran out: Redis tells nobody when a key expires. What is missing counts only if
        the records were whole under the same epoch afterwards."""
        held = [token_hash for token_hash, _ in self.facts.of("token")]
        standing = {fact.key for fact in self._documents("token", held, token_key)}
        if self._state()[0] == epoch:
            gone = [Fact("token", token_hash, None) for token_hash in held if token_hash not in standing]
            self.facts.apply(gone)
            self.facts.prune_audit()
            self._swept = time.monotonic()

    def _tell(self) -> None:
        """Say that the copy has everything; admins are told when nobody says so."""
        now = time.time()
        with answering(), self.door.client.pipeline() as commands:
            commands.zadd(keys.COPIES, {self.facts.path.stem: now})
            commands.zremrangebyscore(keys.COPIES, "-inf", now - keys.COPIES_SECONDS)
            commands.execute()
        self._told = time.monotonic()

    # -- restoring ---------------------------------------------------------------------------------------------------

    def _restoring(self) -> Iterator[Call]:
        """What is to be written. A fact that cannot be read is told and left out: the others count."""
        makers: tuple[tuple[str, Callable[[str, bytes], list[Call]]], ...] = (
            ("instance", self._restoring_instance),
            ("token", _restoring_token),
            ("policy", _restoring_policy),
            ("starts", _restoring_starts),
            *((kind, partial(_restoring_document, table)) for kind, table in TABLES.items()),
        )
        for kind, make in makers:
            for key, document in self.facts.of(kind):
                try:
                    call = make(key, document)
                except (ValueError, TypeError, KeyError):
                    _log.exception("facts.unreadable", kind=kind, key=key)
                else:
                    yield from call
        for lines in _chunks(self.facts.of("audit")):
            yield "restore_audit", [keys.AUDIT], [part for key, doc in lines for part in (_audit_id(key), doc)]

    def _restoring_instance(self, key: str, document: bytes) -> list[Call]:
        found = read_document(document, None)
        if found.instance.ended and (found.instance.ended_at or 0.0) < time.time() - ENDED_SECONDS:
            return []
        return [_instance_call(found.instance, found.version, document, self.facts.get("log", key) or b"")]

    def _send(self, fence: Fence, calls: list[Call]) -> int:
        """Run scripts in one go; how many facts were written. The first of each name runs alone, so that Redis knows
        the script."""
        door = self.door.fenced(fence)
        written, known = 0, set[str]()
        with answering(), door.client.pipeline(transaction=False) as commands:
            for name, wanted, arguments in calls:
                if name not in known:
                    known.add(name)
                    written += door.write(name, wanted, arguments)
                    continue
                everything = [*GUARD_KEYS, *wanted]
                commands.evalsha(script_hash(name), len(everything), *everything, *door.guard_arguments, *arguments)
            return written + sum(_written(answer) for answer in commands.execute(raise_on_error=False))


def _written(answer: Any) -> int:
    """How many facts a script wrote. Raises what it answered instead."""
    if isinstance(answer, NoScriptError):
        raise Unavailable("Redis was restarted during the restore.") from answer
    if isinstance(answer, Exception):
        fail(answer)
    return int(answer)


def _instance_call(instance: Instance, version: str, document: bytes, log: bytes) -> Call:
    audience = tuple(dict.fromkeys(instance.audience()))
    ended = "0" if instance.ended else "1"
    return (
        "restore_instance",
        [*record_keys(instance.id), *(keys.instances_of(name) for name in audience)],
        [version, instance.id, repr(instance.created_at), ended, document, log, *audience],
    )


def _restoring_token(key: str, document: bytes) -> list[Call]:
    record = codec.decode(TokenRecord, document)
    wanted = [token_key(key), keys.tokens_of(record.username)]
    return [("restore_token", wanted, [key, document, record.idle_seconds, repr(record.expires_at)])]


def _restoring_policy(key: str, document: bytes) -> list[Call]:
    return [("restore_values", [keys.POLICY], ["string", document])]


def _restoring_starts(key: str, document: bytes) -> list[Call]:
    seconds = [repr(float(one)) for one in json.loads(document)]
    return [("restore_values", [keys.starts(key)], ["list", *seconds])] if seconds else []


def _restoring_document(table: str, key: str, document: bytes) -> list[Call]:
    return [("restore_document", [table], [key, document])]


def _chunks(things: Iterable[Thing]) -> Iterator[list[Thing]]:
    rest = iter(things)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _fact(fields: dict[bytes, bytes]) -> Fact | None:
    """The fact of a change; None for a mark such as the beginning of an epoch."""
    kind = fields[b"kind"].decode()
    if kind == "epoch":
        return None
    key = _audit_key(fields[b"key"]) if kind == "audit" else fields[b"key"].decode()
    return Fact(kind, key, fields.get(b"doc"))


def _audit_key(line: bytes) -> str:
    """A stream id as a text that sorts."""
    milliseconds, sequence = _order(line.decode())
    return f"{milliseconds:015}-{sequence:09}"


def _audit_id(key: str) -> str:
    """The stream id again."""
    return _entry(_order(key))


def _order(entry: str) -> tuple[int, int]:
    """A stream id as numbers; below all others for the empty one."""
    milliseconds, _, sequence = entry.partition("-")
    return int(milliseconds or -1), int(sequence or 0)


def _entry(order: tuple[int, int]) -> str:
    return f"{order[0]}-{order[1]}"


def _order_of(entries: Any) -> tuple[int, int]:
    return _order(entries[0][0].decode()) if entries else (0, 0)
