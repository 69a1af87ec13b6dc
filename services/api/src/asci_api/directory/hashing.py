"""Password hashes: argon2id, 64 MiB each, so at most two at a time in a process."""

from __future__ import annotations

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from asci_api.domain.errors import Unavailable

AT_ONCE = 2
WAIT_SECONDS = 10.0


class Hashing:
    """RFC 9106's second recommended parameters: 3 passes over 64 MiB, 4 lanes."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = BoundedSemaphore(AT_ONCE)
        self._nobody = ""

    def hash(self, password: str) -> str:
        """The encoded hash. Raises ``Unavailable`` when too many wait."""
        with _Turn(self._turn):
            return self._hasher.hash(password)

    def matches(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the hashed one. None (nobody by that name) costs the same time and is False."""
        with _Turn(self._turn):
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


class _Turn:
    def __init__(self, turn: BoundedSemaphore) -> None:
        self._turn = turn

    def __enter__(self) -> None:
        if not self._turn.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("Many people are signing in right now.", retry_after=5)

    def __exit__(self, *_: object) -> None:
        self._turn.release()
