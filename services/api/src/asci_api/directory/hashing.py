"""Password hashes: argon2id, 64 MiB each, so at most two at a time in a process.

Who waits holds a thread that answers requests, so few wait, and not for long; the others are told to come again.
"""

from __future__ import annotations

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from asci_api.domain.errors import Unavailable

AT_ONCE = 2
WAITERS = 2
WAIT_SECONDS = 0.5
RETRY_SECONDS = 2


class Hashing:
    """RFC 9106's second recommended parameters: 3 passes over 64 MiB, 4 lanes."""

    def __init__(self, hasher: PasswordHasher | None = None, wait: float = WAIT_SECONDS) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = _Turns(wait)
        self._nobody = ""

    def hash(self, password: str) -> str:
        """The encoded hash. Raises ``Unavailable`` at once when too many wait, and after a wait without a turn."""
        with self._turns:
            return self._hasher.hash(password)

    def matches(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the hashed one. None (nobody by that name) costs the same time and is False.
        Raises ``Unavailable`` as :meth:`hash` does."""
        with self._turns:
            try:
                return self._hasher.verify(hashed or self._dummy(), password) and hashed is not None
            except (VerificationError, InvalidHashError):
                return False

    def warm(self) -> None:
        """Make the hash that unknown names are checked against, so that the first such try costs no more."""
        self._dummy()

    def _dummy(self) -> str:
        if not self._nobody:
            self._nobody = self._hasher.hash("")
        return self._nobody


class _Turns:
    """Lets :data:`AT_ONCE` threads work while :data:`WAITERS` wait for at most ``wait`` seconds."""

    def __init__(self, wait: float) -> None:
        self._wait = wait
        self._room = BoundedSemaphore(AT_ONCE + WAITERS)
        self._turn = BoundedSemaphore(AT_ONCE)

    def __enter__(self) -> None:
        if not self._room.acquire(blocking=False):
            raise _busy()
        if not self._turn.acquire(timeout=self._wait):
            self._room.release()
            raise _busy()

    def __exit__(self, *_: object) -> None:
        self._turn.release()
        self._room.release()


def _busy() -> Unavailable:
    return Unavailable("Many people are signing in right now.", retry_after=RETRY_SECONDS)
