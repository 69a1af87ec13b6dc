"""Records of instances: a JSON document each, written by compare-and-set together with its indexes.

A version is ``<revision>.<random>``. It stands in the document and in one hash of all versions, so that a process
keeps what it has parsed. Lists of all are kept up by the changes (:mod:`~asci_api.store.mirror`).
"""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from asci_api.domain.errors import Conflict, NotFound, Restoring
from asci_api.domain.identity import InstanceId, Username
from asci_api.domain.instance import Instance
from asci_api.store import codec, keys
from asci_api.store.mirror import Mirror
from asci_api.store.redis import Argument, Door, answering
from asci_shared.logging import get_logger
from asci_shared.redis_contract import SENTINEL, Ring, audience_key

CHUNK = 500
"""Documents read by one command."""
MOST_KEPT = 6_000
"""Parsed records that a process keeps before it begins anew."""
VERSION = "version"
"""The document's own field, which the domain does not know."""
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A record with the version that stood when it was read."""

    version: str
    instance: Instance


@dataclass(slots=True)
class RedisInstances:
    """Satisfies ``Instances``. Safe for threads: what it keeps is frozen."""

    door: Door
    kept: dict[str, Found] = field(default_factory=dict)
    _mirror: Mirror = field(init=False)

    def __post_init__(self) -> None:
        self._mirror = Mirror(self.door, lambda: self._list(keys.INSTANCES), _read_one)

    def get(self, instance: InstanceId) -> Instance | None:
        found = self._find(instance)
        return None if found is None else found.instance

    def all(self) -> list[Instance]:
        return list(self._mirror.now().instances)

    def visible_to(self, username: Username) -> list[Instance]:
        return self._list(keys.instances_of(username))

    def active(self) -> list[Instance]:
        return list(self._mirror.now().active)

    def add(self, instance: Instance) -> Instance:
        stored = replace(instance, revision=1)
        if not self._put(stored, None):
            raise Conflict("This session exists already.")
        return stored

    def change(self, instance: InstanceId, step: Callable[[Instance], Instance | None]) -> Instance:
        while True:
            found = self._find(instance)
            if found is None:
                raise NotFound("There is no such session.")
            before = found.instance
            after = step(before)
            if after is None or replace(after, revision=before.revision) == before:
                return before
            after = replace(after, revision=before.revision + 1)
            if self._put(after, found):
                return after

    def forget(self, instance: InstanceId) -> None:
        while True:
            found = self._find(instance)
            if found is None:
                return
            if not found.instance.ended:
                raise Conflict("This session has not ended.")
            if self._remove(found):
                return

    def _find(self, instance: str) -> Found | None:
        """The whole record; one command, so that document and log belong together."""
        document, log, sentinel = self.door.read(keys.instance(instance), keys.log(instance), SENTINEL)
        if document is None:
            if sentinel is None:
                raise Restoring
            return None
        return read_document(document, log)

    def _list(self, index: str) -> list[Instance]:
        flat = self.door.run("instance_versions", [SENTINEL, index, keys.VERSIONS], [])
        wanted = {flat[at].decode(): flat[at + 1].decode() for at in range(0, len(flat), 2)}
        kept = self.kept
        missing = [one for one, version in wanted.items() if one not in kept or kept[one].version != version]
        read: dict[str, Found] = {found.instance.id: found for found in self._read(missing)}
        self._keep(read, wanted if index == keys.INSTANCES else None)
        newest = [read.get(one) or kept.get(one) for one in wanted]
        return [found.instance for found in newest if found is not None]

    def _read(self, instances: list[str]) -> Iterator[Found]:
        """Read documents anew; those that were forgotten meanwhile are left out, and those that cannot be read."""
        for first in range(0, len(instances), CHUNK):
            chunk = instances[first : first + CHUNK]
            sentinel, *documents = self.door.read(SENTINEL, *(keys.instance(one) for one in chunk))
            if sentinel is None:
                raise Restoring
            for instance, document in zip(chunk, documents, strict=True):
                try:
                    if document is not None:
                        yield read_document(document, None)
                except (ValueError, TypeError, KeyError):
                    _log.exception("instance.unreadable", instance=instance)

    def _keep(self, read: dict[str, Found], everything: dict[str, str] | None) -> None:
        """Remember what was parsed; where ``everything`` is known, forget the rest."""
        if everything is not None and len(self.kept) > len(everything):
            self.kept = {one: found for one, found in self.kept.items() if one in everything}
        if len(self.kept) + len(read) > MOST_KEPT and not everything:
            self.kept = {}
        self.kept.update(read)

    def _put(self, after: Instance, before: Found | None) -> bool:
        """Store ``after`` where ``before`` still stands; whether it does now."""
        version = f"{after.revision}.{secrets.token_hex(4)}"
        audience = tuple(dict.fromkeys(after.audience()))
        told = audience if before is None else tuple(dict.fromkeys((*audience, *before.instance.audience())))
        arguments: list[Argument] = [
            "" if before is None else before.version,
            version,
            after.id,
            repr(after.created_at),
            "0" if after.ended else "1",
            write_document(after, version),
            *_log_arguments(after.log, () if before is None else before.instance.log),
            Ring("instance", after.id, after.revision, told).to_json(),
            "1" if self.door.fence is None else "0",
            *audience,
        ]
        gone = [name for name in told if name not in audience]
        wanted = [*record_keys(after.id), *(keys.instances_of(name) for name in (*audience, *gone))]
        return self.door.write("instance_put", wanted, arguments) == 1 or self._stands(after.id, version)

    def _stands(self, instance: str, version: str) -> bool:
        """Whether a write that was refused had been ours all along: sent again after a connection broke."""
        with answering():
            return self.door.client.hget(keys.VERSIONS, instance) == version.encode()

    def _remove(self, found: Found) -> bool:
        instance = found.instance
        audience = instance.audience()
        ring = Ring("instance", instance.id, instance.revision + 1, audience).to_json()
        wanted = [*record_keys(instance.id), *(keys.instances_of(name) for name in audience)]
        return bool(self.door.write("instance_forget", wanted, [found.version, instance.id, ring]))


def record_keys(instance: str) -> list[str]:
    """The keys that every script about a record takes, in their order."""
    return [
        keys.instance(instance),
        keys.log(instance),
        keys.VERSIONS,
        keys.INSTANCES,
        keys.ACTIVE,
        audience_key(instance),
    ]


def _read_one(instance: str, document: bytes) -> Instance | None:
    try:
        return read_document(document, None).instance
    except (ValueError, TypeError, KeyError):
        _log.exception("instance.unreadable", instance=instance)
        return None


def write_document(instance: Instance, version: str) -> str:
    """The document: every field but the log, which has a key of its own."""
    fields = codec.plain(instance)
    del fields["log"]
    return codec.dump({VERSION: version, **fields})


def read_document(document: bytes | str, log: bytes | None) -> Found:
    """The record and its version. Raises ValueError, TypeError or KeyError when it is none."""
    fields = json.loads(document)
    if log is not None:
        fields["log"] = read_log(log)
    return Found(fields[VERSION], codec.build(Instance, fields))


def write_log(lines: Iterable[str]) -> bytes:
    """200 lines of a desktop are 20 kB, and 3 kB so."""
    return zlib.compress(codec.dump(list(lines)).encode())


def read_log(packed: bytes) -> list[str]:
    lines: list[str] = json.loads(zlib.decompress(packed))
    return lines


def _log_arguments(after: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, bytes]:
    if after == before:
        return "keep", b""
    return ("set", write_log(after)) if after else ("drop", b"")
