"""The file of local accounts: JSON, ``{username: {name, email, uid, gid, groups, roles, disabled,
signed_out_at, hash}}``, mode 0600.

A file that is empty is damaged, not an installation without people. Read again whenever it changes; written whole,
under a lock file, by rename. ``groups`` is ``{name: gid}``.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

from asci_api.domain.errors import Unavailable
from asci_api.domain.identity import USER, Group, Person, Username
from asci_shared.logging import get_logger

FIRST_UID = 20003
"""20001 and 20002 are the demonstration accounts'."""
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the file. ``hash`` is argon2's encoded form."""

    name: str
    uid: int
    gid: int
    hash: str
    email: str = ""
    groups: dict[str, int] = field(default_factory=dict)
    roles: tuple[str, ...] = (USER,)
    disabled: bool = False
    signed_out_at: float = 0.0
    """Unix time before which every sign-in is over."""

    def person(self, username: str) -> Person:
        """As the rest of the system knows her."""
        return Person(
            username=Username(username),
            name=self.name or username,
            uid=self.uid,
            gid=self.gid,
            email=self.email,
            groups=tuple(Group(name, gid) for name, gid in self.groups.items()),
            roles=tuple(self.roles),
            disabled=self.disabled,
            signed_out_at=self.signed_out_at,
        )


Accounts = dict[str, Account]


class AccountFile:
    """Safe to share between threads; processes agree through the lock file beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._seen: tuple[int, int, int] | None = None
        self._accounts: Accounts = {}

    def read(self) -> Accounts:
        """All accounts. A file that is missing or cannot be read raises ``Unavailable``: absence is no evidence that
        nobody is there."""
        with self._lock:
            try:
                facts = self._path.stat()
            except OSError as error:
                raise _unreadable(self._path, error) from error
            stamp = (facts.st_mtime_ns, facts.st_ino, facts.st_size)
            if stamp != self._seen:
                self._accounts = _load(self._path)
                self._seen = stamp
            return self._accounts

    @contextlib.contextmanager
    def edit(self) -> Iterator[Accounts]:
        """The accounts, to be changed in place; written when the block ends without an exception.

        A file that does not exist begins empty; one that cannot be read stays as it is and raises ``Unavailable``."""
        with _locked(self._path):
            accounts = _begun(self._path)
            before = dict(accounts)
            yield accounts
            if accounts != before:
                _write(self._path, accounts)


def free_uid(accounts: Accounts) -> int:
    """The smallest uid from 20003 up that is above every local one."""
    return max([FIRST_UID - 1, *(account.uid for account in accounts.values())]) + 1


def with_hash(account: Account, hashed: str) -> Account:
    """The account with another password."""
    return replace(account, hash=hashed)


def _begun(path: Path) -> Accounts:
    """What an edit begins from. The sentence is for the operator at the command line too."""
    if not path.exists():
        return {}
    try:
        return dict(_load(path))
    except Unavailable as error:
        title = f"{path.name} cannot be read, so nothing was changed. Mend it or put back a copy of it."
        raise Unavailable(title, slug=error.slug, retry_after=error.retry_after) from error


def _load(path: Path) -> Accounts:
    try:
        document: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        known = Account.__dataclass_fields__
        return {
            username: Account(**{key: value for key, value in facts.items() if key in known})
            for username, facts in document.items()
        }
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, TypeError, AttributeError) as error:
        _log.error("accounts.malformed", path=str(path), error=type(error).__name__)
        raise Unavailable("The accounts cannot be read.", slug="no-accounts", retry_after=10) from error


def _unreadable(path: Path, error: OSError) -> Unavailable:
    _log.error("accounts.unreadable", path=str(path), error=error.strerror or type(error).__name__)
    return Unavailable("The accounts cannot be read.", slug="no-accounts", retry_after=10)


def _write(path: Path, accounts: Accounts) -> None:
    document = {username: asdict(account) for username, account in sorted(accounts.items())}
    number, name = tempfile.mkstemp(prefix=".accounts-", dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        _give_to_reader(name, path)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _give_to_reader(name: str, path: Path) -> None:
    """Written by root, the file stays its owner's (or becomes its folder's owner's), so that the API can read it."""
    if os.geteuid() == 0:
        owner = path.stat() if path.exists() else path.parent.stat()
        os.chown(name, owner.st_uid, owner.st_gid)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = path.with_name(path.name + ".lock")
    with os.fdopen(os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600), "w") as file:
        _give_to_reader(str(lock), path)
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
