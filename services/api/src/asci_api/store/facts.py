"""The SQLite file with the durable facts: what would be lost with Redis.

Kinds of facts: ``instance`` (id -> document), ``log`` (id -> packed lines), ``token`` (hash -> record; never a token
itself), ``audit`` (sortable id -> entry), ``policy``, ``starts`` (environment -> seconds), ``registration`` and
``overlay`` (node -> document), ``switch`` (environment -> document). Only the controllers' user may read the file. Safe
for threads, and for several processes on one file.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asci_shared.logging import get_logger

AUDIT_LENGTH = 100_000
_BUSY_SECONDS = 5.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
    kind TEXT NOT NULL, key TEXT NOT NULL, doc BLOB NOT NULL, changed REAL NOT NULL, PRIMARY KEY (kind, key)
);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_PAGE = "SELECT key, doc FROM facts WHERE kind = ? AND key >= ? ORDER BY key LIMIT 500"
_PUT = "INSERT OR REPLACE INTO facts (kind, key, doc, changed) VALUES (?, ?, ?, ?)"
_NOTHING = (-1, 0, 0)
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact; ``doc`` None is its end."""

    kind: str
    key: str
    doc: bytes | None


class Facts:
    """The open file."""

    def __init__(self, folder: Path, name: str) -> None:
        """Open ``<folder>/<name>.sqlite``. A new one begins with what the newest other file of the folder knows, so
        that a controller that came under a new name knows what the one before it knew. One that cannot be read is
        put aside."""
        self.path = folder / f"{name}.sqlite"
        self._lock = threading.RLock()
        new = not self.path.exists()
        try:
            self._file = self._open()
        except sqlite3.OperationalError:
            raise  # locked, or no room on the disk: nothing is wrong with the file
        except sqlite3.DatabaseError:
            _log.exception("facts.unreadable", file=str(self.path))
            self._put_aside()
            new, self._file = True, self._open()
        if new:
            self._begin_with_newest()
        self.last_epoch = max(self.epoch, int(self._meta("begun") or 0))
        """The highest epoch that the file has heard of, also of a restore that did not end."""

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def of(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """All facts of a kind, by key; a page at a time, so that neither memory nor lock is held for long."""
        last = ""
        while True:
            with self._lock:
                page = self._file.execute(_PAGE, (kind, last)).fetchall()
            if not page:
                return
            yield from page
            last = page[-1][0] + "\0"

    def get(self, kind: str, key: str) -> bytes | None:
        """One fact, or None."""
        with self._lock:
            found = self._file.execute("SELECT doc FROM facts WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return found[0] if found else None

    def last_key(self, kind: str) -> str:
        """The highest key of a kind; empty without one."""
        with self._lock:
            found = self._file.execute("SELECT max(key) FROM facts WHERE kind = ?", (kind,)).fetchone()
        return found[0] or ""

    @property
    def cursor(self) -> str:
        """The last change that is in the file; empty before the first copy."""
        return self._meta("cursor")

    @property
    def epoch(self) -> int:
        """The epoch of the records that the file is a copy of; 0 before the first copy."""
        return int(self._meta("epoch") or 0)

    def catch_up(self) -> None:
        """Where another file of the folder knows later records than this one, take what it knows: the controller that
        restores may be one that came a moment ago, beside one that copied all along."""
        best = max(self._others(), key=_standing, default=None)
        with self._lock:
            mine = _known(self._file)
            if best is None or _standing(best) <= mine:
                return
            _copy(best, self._file)
        self.last_epoch = max(self.last_epoch, self.epoch)
        _log.warning("facts.caught_up", file=best.name)

    def begin_epoch(self, epoch: int) -> None:
        """Remember that a restore under this epoch begins."""
        with self._writing() as file:
            _put_meta(file, "begun", str(epoch))
        self.last_epoch = max(self.last_epoch, epoch)

    def apply(self, changes: Iterable[Fact], cursor: str | None = None) -> None:
        """Write changes in their order and, where it is given, that all up to ``cursor`` is in the file; in one
        transaction."""
        with self._writing() as file:
            _apply(file, changes)
            if cursor is not None:
                _put_meta(file, "cursor", cursor)

    @contextmanager
    def replacing(self, kinds: Iterable[str], facts: Iterable[Fact], cursor: str, epoch: int) -> Iterator[int]:
        """Put ``facts`` in the place of everything of ``kinds``; how many. Kept when the block ends, undone when it
        raises."""
        with self._writing() as file:
            file.executemany("DELETE FROM facts WHERE kind = ?", [(kind,) for kind in kinds])
            count = _apply(file, facts)
            _put_meta(file, "cursor", cursor)
            _put_meta(file, "epoch", str(epoch))
            yield count
        self.last_epoch = max(self.last_epoch, epoch)

    def prune_audit(self) -> None:
        """Keep the newest lines of the audit only."""
        with self._writing() as file:
            file.execute(
                "DELETE FROM facts WHERE kind = 'audit' AND key < (SELECT key FROM facts WHERE kind = 'audit'"
                " ORDER BY key DESC LIMIT 1 OFFSET ?)",
                (AUDIT_LENGTH - 1,),
            )

    def _meta(self, name: str) -> str:
        with self._lock:
            found = self._file.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return found[0] if found else ""

    def _open(self) -> sqlite3.Connection:
        self.path.touch(mode=0o600)
        file = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            file.executescript(_SCHEMA)
        except sqlite3.DatabaseError:
            file.close()
            raise
        return file

    def _put_aside(self) -> None:
        """Rename the file, and its journal with it: a journal does not belong to the file that comes after."""
        aside = self.path.with_suffix(f".broken-{int(time.time())}")
        for end in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + end)
            if part.exists():
                part.rename(aside.with_name(aside.name + end))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield self._file
                _put_meta(self._file, "written", repr(time.time()))
            except BaseException:
                self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")

    def _begin_with_newest(self) -> None:
        newest = max(self._others(), key=_written, default=None)
        if newest is None or not _written(newest):
            return
        _copy(newest, self._file)
        _log.info("facts.began_with", file=newest.name)

    def _others(self) -> list[Path]:
        return [path for path in self.path.parent.glob("*.sqlite") if path != self.path]


def _copy(path: Path, to: sqlite3.Connection) -> None:
    other = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    try:
        other.backup(to)
    finally:
        other.close()


def _standing(path: Path) -> tuple[int, int, int]:
    """Up to where a file knows the records; below all others for one that cannot be read, or copied nothing yet."""
    try:
        other = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    except sqlite3.Error:
        return _NOTHING
    try:
        return _known(other)
    except sqlite3.Error:
        return _NOTHING
    finally:
        other.close()


def _known(file: sqlite3.Connection) -> tuple[int, int, int]:
    """Epoch and last change (the two numbers of its stream id)."""
    found = dict(file.execute("SELECT name, value FROM meta WHERE name IN ('epoch', 'cursor')").fetchall())
    milliseconds, _, sequence = found.get("cursor", "").partition("-")
    if not milliseconds:
        return _NOTHING
    return int(found.get("epoch") or 0), int(milliseconds), int(sequence or 0)


def _written(path: Path) -> float:
    """When a file was last written to, by its own word; 0 if it cannot be read."""
    try:
        other = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    except sqlite3.Error:
        return 0.0
    try:
        found = other.execute("SELECT value FROM meta WHERE name = 'written'").fetchone()
        return float(found[0]) if found else 0.0
    except sqlite3.Error:
        return 0.0
    finally:
        other.close()


def _apply(file: sqlite3.Connection, changes: Iterable[Fact]) -> int:
    now, count = time.time(), 0
    for count, fact in enumerate(changes, 1):  # noqa: B007 -- how many there were
        if fact.doc is None:
            file.execute("DELETE FROM facts WHERE kind = ? AND key = ?", (fact.kind, fact.key))
        else:
            file.execute(_PUT, (fact.kind, fact.key, fact.doc, now))
    return count


def _put_meta(file: sqlite3.Connection, name: str, value: str) -> None:
    file.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))
