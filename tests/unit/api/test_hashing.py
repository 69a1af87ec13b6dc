"""How many password hashes are made at a time, and what happens to the others."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event

import pytest
from argon2 import PasswordHasher

from asci_api.directory.hashing import AT_ONCE, WAIT_SECONDS, WAITERS, Hashing
from asci_api.domain.errors import Unavailable
from tests.support.api_lab import QUICK

PATIENCE = 30.0
"""Seconds; what a thread that should not wait would wait."""


class HeldHasher(PasswordHasher):
    """Real hashes that wait until the test lets them go."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.go = Event()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        assert self.go.wait(PATIENCE)
        return super().hash(password, salt=salt)


def refused(futures: set[Future[str]], count: int) -> set[Future[str]]:
    """Waits until so many have ended; those."""
    ended: set[Future[str]] = set()
    while len(ended) < count:
        new, _ = wait(futures - ended, PATIENCE, FIRST_COMPLETED)
        assert new, "nobody was sent away"
        ended |= new
    return ended


def test_a_flood_is_sent_away_while_few_wait() -> None:
    hasher = HeldHasher()
    hashing = Hashing(hasher, wait=2 * PATIENCE)
    with ThreadPoolExecutor(10) as threads:
        futures = {threads.submit(hashing.hash, "a-word") for _ in range(10)}
        try:
            gone = refused(futures, 10 - AT_ONCE - WAITERS)
            errors = [one.exception() for one in gone]
        finally:
            hasher.go.set()
    assert {type(error) for error in errors} == {Unavailable}
    assert {error.retry_after for error in errors if isinstance(error, Unavailable)} == {2}
    assert all(one.result().startswith("$argon2id$") for one in futures - gone)


def test_who_waited_in_vain_leaves_the_place_to_others() -> None:
    hasher = HeldHasher()
    hashing = Hashing(hasher, wait=0.01)
    with ThreadPoolExecutor(AT_ONCE + 1) as threads:
        futures = {threads.submit(hashing.hash, "a-word") for _ in range(AT_ONCE + 1)}
        try:
            (gone,) = refused(futures, 1)
            for _ in range(WAITERS + 1):
                with pytest.raises(Unavailable, match="Many people are signing in"):
                    hashing.matches(None, "a-word")
        finally:
            hasher.go.set()
    assert isinstance(gone.exception(), Unavailable)
    assert not hashing.matches(QUICK.hash("other"), "a-word")
    assert WAIT_SECONDS <= 0.5
