"""Tokens, attempts to sign in, and idempotency keys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asci_api.domain.errors import Restoring, Unavailable
from asci_api.domain.identity import InstanceId, Username
from asci_api.domain.ports import Remembered, Seen
from asci_shared.close_codes import CloseCode
from asci_shared.redis_contract import RevocationKind, TokenRecord
from tests.support.store_rooms import StoreRoom

DEMO = Username("demo")
JUN = Username("jun")
HERE = "192.0.2.1"
THERE = "198.51.100.7"


def signed_in(room: StoreRoom, username: str = "demo", *, life: float = 86400.0, idle: int = 3600) -> TokenRecord:
    now = room.now()
    return TokenRecord(username, "Demo Scientist", ("user",), now, now + life, idle, HERE)


def test_a_token_reads_as_it_was_added(room: StoreRoom) -> None:
    record = signed_in(room)
    room.store.tokens.add("a" * 64, record)
    assert room.store.tokens.use("a" * 64) == record


def test_an_unknown_token_is_none(room: StoreRoom) -> None:
    assert room.store.tokens.use("a" * 64) is None


def test_a_token_ends_when_idle(room: StoreRoom) -> None:
    room.store.tokens.add("a" * 64, signed_in(room))
    room.pass_time(3601)
    assert room.store.tokens.use("a" * 64) is None


def test_use_renews_a_token(room: StoreRoom) -> None:
    record = signed_in(room)
    room.store.tokens.add("a" * 64, record)
    for _ in range(3):
        room.pass_time(3000)
        assert room.store.tokens.use("a" * 64) == record


def test_a_token_that_is_over_is_none_even_when_used(room: StoreRoom) -> None:
    room.store.tokens.add("a" * 64, signed_in(room, life=-1.0))
    assert room.store.tokens.use("a" * 64) is None


def test_a_dropped_token_is_none(room: StoreRoom) -> None:
    room.store.tokens.add("a" * 64, signed_in(room))
    room.store.tokens.drop("a" * 64)
    assert room.store.tokens.use("a" * 64) is None
    room.store.tokens.drop("a" * 64)


def test_all_sign_ins_of_a_person(room: StoreRoom) -> None:
    room.store.tokens.add("a" * 64, signed_in(room))
    room.store.tokens.add("b" * 64, signed_in(room))
    room.store.tokens.add("c" * 64, signed_in(room, "jun"))
    room.store.tokens.add("d" * 64, signed_in(room, idle=60))
    room.store.tokens.drop("b" * 64)
    room.pass_time(61)
    assert room.store.tokens.of(DEMO) == ["a" * 64]
    assert room.store.tokens.of(JUN) == ["c" * 64]
    assert room.store.tokens.of(Username("nobody")) == []


def test_when_people_were_last_seen(room: StoreRoom) -> None:
    begin = room.now()
    room.store.tokens.add("a" * 64, signed_in(room))
    room.store.tokens.add("b" * 64, signed_in(room))
    room.store.tokens.add("c" * 64, signed_in(room, "jun", life=1800.0))
    seen = room.store.tokens.seen([DEMO, JUN, Username("nobody")])
    assert (seen[DEMO].sign_ins, seen[JUN].sign_ins) == (2, 1)
    assert seen[DEMO].last_seen == pytest.approx(begin, abs=2.0)
    assert seen[JUN].last_seen == pytest.approx(begin, abs=2.0)
    assert seen[Username("nobody")] == Seen(0, None)
    assert room.store.tokens.seen([]) == {}


def test_the_last_use_of_any_sign_in_counts(room: StoreRoom) -> None:
    """A sign-in of long ago that is used now; Redis' clock cannot be moved, so what is left of its life is."""
    room.store.tokens.add("a" * 64, replace(signed_in(room), created_at=room.now() - 5000))
    room.pass_time(1000)
    unused = room.store.tokens.seen([DEMO])[DEMO].last_seen
    room.store.tokens.use("a" * 64)
    used = room.store.tokens.seen([DEMO])[DEMO].last_seen
    assert unused == pytest.approx(room.now() - 1000, abs=2.0)
    assert used == pytest.approx(room.now(), abs=2.0)


def test_no_word_of_people_without_sentinel(room: StoreRoom) -> None:
    room.lose()
    with pytest.raises(Restoring):
        room.store.tokens.seen([DEMO])


def test_everything_that_stands(room: StoreRoom) -> None:
    assert room.store.tokens.standing() == {}
    first, second = signed_in(room), signed_in(room, "jun")
    room.store.tokens.add("a" * 64, first)
    room.store.tokens.add("b" * 64, second)
    room.store.tokens.add("c" * 64, signed_in(room))
    room.store.tokens.add("d" * 64, signed_in(room, idle=60))
    room.store.tokens.drop("c" * 64)
    room.pass_time(61)
    assert room.store.tokens.standing() == {"a" * 64: first, "b" * 64: second}
    room.pass_time(3540)
    assert room.store.tokens.standing() == {}


def test_a_missing_token_says_nothing_without_sentinel(room: StoreRoom) -> None:
    record = signed_in(room)
    room.store.tokens.add("a" * 64, record)
    room.lose()
    for wanted in (
        lambda: room.store.tokens.use("a" * 64),
        lambda: room.store.tokens.of(DEMO),
        room.store.tokens.standing,
        lambda: room.store.tokens.add("b" * 64, record),
        lambda: room.store.tokens.drop("a" * 64),
    ):
        with pytest.raises(Restoring):
            wanted()


def test_tokens_away(room: StoreRoom) -> None:
    room.away()
    with pytest.raises(Unavailable):
        room.store.tokens.use("a" * 64)


def fail(room: StoreRoom, times: int, username: str = "demo", address: str = HERE) -> None:
    for _ in range(times):
        room.store.attempts.failed(username, address)


def test_nobody_waits_before_the_fifth_failure(room: StoreRoom) -> None:
    fail(room, 4)
    assert room.store.attempts.blocked("demo", HERE) == 0


@pytest.mark.parametrize(("failures", "seconds"), [(5, 10), (6, 20), (7, 40), (8, 80), (11, 640), (12, 900), (29, 900)])
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(room: StoreRoom, failures: int, seconds: int) -> None:
    fail(room, failures)
    assert room.store.attempts.blocked("demo", HERE) == seconds


def test_the_wait_passes_and_the_next_failure_waits_longer(room: StoreRoom) -> None:
    fail(room, 5)
    room.pass_time(4)
    assert room.store.attempts.blocked("demo", HERE) == 6
    room.pass_time(7)
    assert room.store.attempts.blocked("demo", HERE) == 0
    fail(room, 1)
    assert room.store.attempts.blocked("demo", HERE) == 20


def test_success_begins_anew(room: StoreRoom) -> None:
    fail(room, 5)
    room.store.attempts.succeeded("demo", HERE)
    assert room.store.attempts.blocked("demo", HERE) == 0
    fail(room, 4)
    assert room.store.attempts.blocked("demo", HERE) == 0


def test_failures_are_forgotten_after_an_hour(room: StoreRoom) -> None:
    fail(room, 4)
    room.pass_time(3601)
    fail(room, 1)
    assert room.store.attempts.blocked("demo", HERE) == 0


def test_another_account_or_address_does_not_wait(room: StoreRoom) -> None:
    fail(room, 12)
    assert room.store.attempts.blocked("jun", HERE) == 0
    assert room.store.attempts.blocked("demo", THERE) == 0


def test_an_account_attacked_from_many_addresses_waits_softly_but_not_where_she_is_known(room: StoreRoom) -> None:
    room.store.attempts.succeeded("demo", HERE)
    for number in range(30):
        fail(room, 1, address=f"203.0.113.{number}")
    assert 0 < room.store.attempts.blocked("demo", THERE) <= 60
    assert room.store.attempts.blocked("demo", HERE) == 0
    room.pass_time(61)
    assert room.store.attempts.blocked("demo", THERE) == 0


def test_an_address_that_tries_many_accounts_waits(room: StoreRoom) -> None:
    for number in range(29):
        fail(room, 1, username=f"guess{number}")
    assert room.store.attempts.blocked("demo", HERE) == 0
    fail(room, 1, username="guess29")
    assert 50 < room.store.attempts.blocked("demo", HERE) <= 60
    assert room.store.attempts.blocked("demo", THERE) == 0
    room.pass_time(61)
    assert room.store.attempts.blocked("demo", HERE) == 0


def test_names_of_any_characters_are_counted(room: StoreRoom) -> None:
    wild = "x" * 5000 + "\0\n *?[]{} ünï"
    fail(room, 5, username=wild)
    assert room.store.attempts.blocked(wild, HERE) == 10


def test_attempts_are_counted_without_sentinel(room: StoreRoom) -> None:
    room.lose()
    fail(room, 5)
    assert room.store.attempts.blocked("demo", HERE) == 10


def test_the_first_claim_wins(room: StoreRoom) -> None:
    first, second = InstanceId("abcdefghij"), InstanceId("bcdefghijk")
    assert room.store.idempotency.claim(DEMO, "key", "print", first) is None
    assert room.store.idempotency.claim(DEMO, "key", "other", second) == Remembered("print", first)


def test_the_same_claim_sent_again_is_still_ones_own(room: StoreRoom) -> None:
    mine = InstanceId("abcdefghij")
    assert room.store.idempotency.claim(DEMO, "key", "print", mine) is None
    assert room.store.idempotency.claim(DEMO, "key", "print", mine) is None


def test_keys_are_each_persons_own(room: StoreRoom) -> None:
    assert room.store.idempotency.claim(DEMO, "key", "print", InstanceId("abcdefghij")) is None
    assert room.store.idempotency.claim(JUN, "key", "print", InstanceId("bcdefghijk")) is None


def test_a_released_claim_is_free_and_a_claim_lasts_a_day(room: StoreRoom) -> None:
    first, second = InstanceId("abcdefghij"), InstanceId("bcdefghijk")
    room.store.idempotency.claim(DEMO, "key", "print", first)
    room.store.idempotency.release(DEMO, "key")
    assert room.store.idempotency.claim(DEMO, "key", "print", second) is None
    room.pass_time(86300)
    assert room.store.idempotency.claim(DEMO, "key", "print", first) == Remembered("print", second)
    room.pass_time(101)
    assert room.store.idempotency.claim(DEMO, "key", "print", first) is None


def test_no_claim_without_sentinel(room: StoreRoom) -> None:
    room.lose()
    with pytest.raises(Restoring):
        room.store.idempotency.claim(DEMO, "key", "print", InstanceId("abcdefghij"))


def test_roles_come_back_as_they_were(room: StoreRoom) -> None:
    record = replace(signed_in(room), roles=("user", "admin"))
    room.store.tokens.add("a" * 64, record)
    assert room.store.tokens.use("a" * 64) == record


def test_a_sign_in_that_was_ended_is_told_from_one_that_nobody_used(room: StoreRoom) -> None:
    for token_hash in ("a" * 64, "b" * 64):
        room.store.tokens.add(token_hash, signed_in(room))
    room.store.tokens.drop("a" * 64)
    room.store.tokens.drop("a" * 64)
    room.store.tokens.drop("c" * 64)
    ended = room.store.revocations.ended
    assert [ended(one) for one in ("a" * 64, "b" * 64, "c" * 64, "")] == [True, False, False, False]
    room.pass_time(590)
    assert ended("a" * 64)
    room.pass_time(10)
    assert not ended("a" * 64)


def test_an_ended_sign_in_needs_no_look_at_the_revocations(room: StoreRoom) -> None:
    room.store.tokens.add("a" * 64, signed_in(room))
    for number in range(5):
        room.store.revocations.revoke(RevocationKind.TOKEN, code=CloseCode.SIGNED_OUT, reason="x", token=f"{number}")
    room.store.tokens.drop("a" * 64)
    assert room.store.revocations.ended("a" * 64)
    assert not room.store.revocations.ended("1")
