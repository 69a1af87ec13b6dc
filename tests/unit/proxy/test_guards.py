"""What is asked of every upgrade."""

from __future__ import annotations

import hashlib

import pytest

from asci_proxy import guards


def test_the_cookies_name_follows_the_scheme() -> None:
    assert guards.cookie_name("http://localhost:8080") == "asci"
    assert guards.cookie_name("https://asci.example.org") == "__Host-asci"


def test_a_token_is_known_by_its_hash() -> None:
    assert guards.token_hash({"asci": "secret"}, "asci") == hashlib.sha256(b"secret").hexdigest()
    assert guards.token_hash({"other": "secret"}, "asci") is None
    assert guards.token_hash({"asci": ""}, "asci") is None
    assert guards.token_hash({"asci": "\udcff"}, "asci") is not None


@pytest.mark.parametrize(
    ("origin", "foreign"),
    [
        ("http://localhost:8080", False),
        ("HTTP://LOCALHOST:8080", False),
        ("http://localhost", True),
        ("http://localhost:8080.evil.example", True),
        ("https://localhost:8080", True),
        ("null", True),
        ("", True),
        (None, True),
    ],
)
def test_origins(origin: str | None, foreign: bool) -> None:
    assert guards.is_foreign(origin, "http://localhost:8080") is foreign


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("172.18.0.5", "198.51.100.7", "198.51.100.7"),
        ("172.18.0.5", "1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("172.18.0.5", "garbage", "172.18.0.5"),
        ("172.18.0.5", None, "172.18.0.5"),
        ("8.8.8.8", "198.51.100.7", "8.8.8.8"),
        ("fd00::5", "2001:db8::1", "2001:db8::1"),
        (None, "198.51.100.7", "unknown"),
    ],
)
def test_the_address_for_limits(peer: str | None, forwarded: str | None, address: str) -> None:
    assert guards.client_address(peer, forwarded) == address


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_in_and_then_a_steady_trickle() -> None:
    clock = Clock()
    limit = guards.RateLimit(3, 0.5, clock)
    assert [limit.allows("a") for _ in range(4)] == [True, True, True, False]
    assert limit.allows("b")
    clock.now += 1.9
    assert not limit.allows("a")
    clock.now += 0.2
    assert [limit.allows("a"), limit.allows("a")] == [True, False]
    clock.now += 1000
    assert [limit.allows("a") for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_steps_back_locks_nobody_out_for_longer() -> None:
    clock = Clock()
    limit = guards.RateLimit(1, 1.0, clock)
    assert limit.allows("a")
    clock.now -= 500
    assert not limit.allows("a")
    clock.now += 501.5
    assert limit.allows("a")


def test_no_burst_means_no_limit() -> None:
    limit = guards.RateLimit(0, 0, Clock())
    assert all(limit.allows("a") for _ in range(1000))


def test_names_that_are_quiet_are_forgotten() -> None:
    clock = Clock()
    limit = guards.RateLimit(5, 1.0, clock)
    for number in range(guards.RateLimit._SWEEP_AT + 10):
        clock.now += 0.01
        limit.allows(str(number))
    assert len(limit._level) < guards.RateLimit._SWEEP_AT
