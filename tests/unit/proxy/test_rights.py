"""Tickets, revocations, sign-ins, presence, rings: the judgements, with clocks and a store in the test's hand."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from asci_proxy import tickets
from asci_proxy.connection import Connection
from asci_proxy.ends import End, Trouble
from asci_proxy.events import ALL, Events, Page
from asci_proxy.live import Facts, LiveTable
from asci_proxy.presence import Presence
from asci_proxy.revocations import OVERLAP_SECONDS, Revocations
from asci_proxy.signins import SignIns
from asci_proxy.store import Standing, StoreAway
from asci_shared import redis_contract as contract

TICKET = contract.Ticket(
    connection="c1", instance="i1", kind="desktop", address="10.0.0.1", port=5901, username="ada", name="Ada",
    owner="ada", token="t1", mode="control", generation=1, issued_at=100.0, request_id="r1",
)  # fmt: skip
RECORD = contract.TokenRecord("ada", "Ada", (), created_at=0.0, expires_at=10_000.0, idle_seconds=1800)


def revocation(kind: str, at: float = 200.0, **facts: Any) -> contract.Revocation:
    return contract.Revocation(f"{kind}{at}", kind, at, 4403, "gone", **facts)


NONSENSE = b'{"id": "x", "kind": "instance", "at": "late", "code": "high", "reason": 5, "instance": "i1"}'


class Keeper:
    def connection_answered(self, connection: Connection, seconds: float) -> None: ...

    def connection_ended(self, connection: Connection, end: End) -> None: ...


class FakeLink:
    """What a connection needs of its link."""

    def __init__(self) -> None:
        self.last_input = 0.0
        self.bytes_down = self.bytes_up = 0
        self.closed: list[tuple[int, str]] = []

    def close(self, code: int, reason: str, patience: float = 0.5) -> None:
        self.closed.append((code, reason))


def connection(**changes: Any) -> tuple[Connection, FakeLink]:
    ticket = dataclasses.replace(TICKET, **changes)
    one = Connection(ticket, RECORD, 100.0, Keeper())
    link = FakeLink()
    one.link = link  # type: ignore[assignment]
    return one, link


class FakeStore:
    """A store in memory; ``away`` makes it fail."""

    def __init__(self) -> None:
        self.clock = 1000.0
        self.away = False
        self.tombstones: list[contract.Revocation] = []
        self.asked_since: list[float] = []
        self.tokens: set[str] = {"t1", "t2"}
        self.restored = True
        self.renewed: dict[str, int] = {}
        self.leases: dict[str, contract.Lease] = {}
        self.rung: list[str] = []
        self.during_write: Any = None

    def _answer(self) -> None:
        if self.away:
            raise StoreAway("away")

    async def now(self) -> float:
        self._answer()
        return self.clock

    async def revocations(self, since: float) -> list[contract.Revocation]:
        self._answer()
        self.asked_since.append(since)
        return [one for one in self.tombstones if one.at >= since]

    async def vanished(self, tokens: Sequence[str]) -> set[str]:
        self._answer()
        return set(tokens) - self.tokens if self.restored else set()

    async def renew_tokens(self, seconds: dict[str, int]) -> None:
        self._answer()
        self.renewed |= seconds

    async def write_presence(
        self, leases: Sequence[contract.Lease], gone: Sequence[tuple[str, str]], expires_at: float
    ) -> None:
        self._answer()
        assert expires_at == self.clock + contract.LEASE_SECONDS
        if self.during_write is not None:
            self.during_write()
        self.leases |= {lease.connection: lease for lease in leases}
        for name, _ in gone:
            self.leases.pop(name, None)

    async def ring_presence(self, instances: Sequence[str]) -> None:
        self._answer()
        self.rung += instances


# -- tickets --


@pytest.mark.parametrize(
    ("standing", "slug"),
    [
        (Standing(False, RECORD, 200.0), "restoring"),
        (Standing(False, None, 200.0), "restoring"),
        (Standing(True, None, 200.0), "signed-out"),
        (Standing(True, RECORD, 10_000.0), "signed-out"),
    ],
)
def test_who_is_signed_in(standing: Standing, slug: str) -> None:
    with pytest.raises(tickets.Refused) as refused:
        tickets.admit("c1", "t1", TICKET, standing)
    assert refused.value.slug == slug


@pytest.mark.parametrize(
    ("ticket", "token", "slug"),
    [
        (None, "t1", "ticket-unknown"),
        (dataclasses.replace(TICKET, connection="c2"), "t1", "ticket-unknown"),
        (TICKET, "t2", "foreign-token"),
        (dataclasses.replace(TICKET, kind="web"), "t1", "ticket-kind"),
    ],
)
def test_which_tickets_are_refused(ticket: contract.Ticket | None, token: str, slug: str) -> None:
    with pytest.raises(tickets.Refused) as refused:
        tickets.admit("c1", token, ticket, Standing(True, RECORD, 101.0))
    assert refused.value.slug == slug


def test_a_good_ticket_is_admitted() -> None:
    assert tickets.admit("c1", "t1", TICKET, Standing(True, RECORD, 101.0)).ticket is TICKET


# -- revocations --


@pytest.mark.parametrize(
    ("one", "hit"),
    [
        (revocation("instance", instance="i1"), True),
        (revocation("instance", instance="i2"), False),
        (revocation("share", instance="i1", username="ada"), True),
        (revocation("share", instance="i1", username="ada", modes=("view",)), False),
        (revocation("share", instance="i2", username="ada"), False),
        (revocation("connection", connection="c1"), True),
        (revocation("token", token="t2"), False),
        (revocation("token", token="t1"), True),
        (revocation("person", username="ada"), True),
        (revocation("unheard-of", username="ada"), False),
        (revocation("instance", at=100.0, instance="i1"), True),
        (revocation("instance", at=99.999, instance="i1"), False),
    ],
)
def test_what_a_revocation_hits(one: contract.Revocation, hit: bool) -> None:
    assert Facts.of(TICKET).hit_by(one) is hit


def test_events_pages_are_hit_by_sign_outs_only() -> None:
    page = Facts(token="t1", username="ada", issued_at=100.0)
    assert page.hit_by(revocation("token", token="t1"))
    assert page.hit_by(revocation("person", username="ada"))
    assert not page.hit_by(revocation("instance", instance="i1"))
    assert not page.hit_by(revocation("share", instance="i1", username="ada"))


def test_readings_overlap_and_follow_a_clock_that_was_set_back() -> None:
    store = FakeStore()
    live = LiveTable()
    one, link = connection()
    live.add(one)
    watch = Revocations(store, live)  # type: ignore[arg-type]

    async def beats() -> None:
        await watch.catch_up()
        store.clock = 1005.0
        await watch.catch_up()
        store.clock = 300.0
        store.tombstones.append(revocation("instance", at=301.0, instance="i1"))
        await watch.catch_up()

    asyncio.run(beats())
    assert store.asked_since == [-OVERLAP_SECONDS, 1000.0 - OVERLAP_SECONDS, 300.0 - OVERLAP_SECONDS]
    assert link.closed == [(4403, "gone")]


def test_a_reading_that_failed_is_made_up_for() -> None:
    store = FakeStore()
    watch = Revocations(store, LiveTable())  # type: ignore[arg-type]

    async def beats() -> None:
        await watch.catch_up()
        store.clock, store.away = 1400.0, True
        with pytest.raises(StoreAway):
            await watch.catch_up()
        store.clock, store.away = 1500.0, False
        await watch.catch_up()

    asyncio.run(beats())
    assert store.asked_since[-1] == 1000.0 - OVERLAP_SECONDS


@pytest.mark.parametrize("text", [b"", b"\xff", b"[]", b"null", b'"x"', b'{"kind": "instance"}', b"{}", NONSENSE])
def test_unreadable_pushes_harm_nobody(text: bytes) -> None:
    live = LiveTable()
    one, link = connection()
    live.add(one)
    Revocations(FakeStore(), live).pushed(text)  # type: ignore[arg-type]
    assert link.closed == []


def test_a_connection_without_a_link_keeps_the_first_verdict() -> None:
    one = Connection(TICKET, RECORD, 100.0, Keeper())
    one.revoke(4403, "first")
    one.revoke(4404, "second")
    assert one.verdict == (4403, "first")


# -- sign-ins --


def signins(store: FakeStore, one: Connection, now: float) -> SignIns:
    live = LiveTable()
    live.add(one)
    return SignIns(store, live, lambda: [one], lambda: now)  # type: ignore[arg-type]


def test_a_token_must_be_missing_at_two_beats_in_a_row() -> None:
    store = FakeStore()
    one, link = connection()
    watch = signins(store, one, 500.0)

    async def beats() -> None:
        store.tokens = set()
        await watch.check()
        store.tokens = {"t1"}
        await watch.check()
        store.tokens = set()
        await watch.check()
        assert link.closed == []
        await watch.check()

    asyncio.run(beats())
    assert [code for code, _ in link.closed] == [4401]


def test_while_redis_is_restored_nothing_is_missed() -> None:
    store = FakeStore()
    one, link = connection()
    watch = signins(store, one, 500.0)

    async def beats() -> None:
        store.tokens, store.restored = set(), False
        for _ in range(10):
            await watch.check()

    asyncio.run(beats())
    assert link.closed == []


def test_a_token_past_its_end_is_ended_even_when_its_key_stands() -> None:
    store = FakeStore()
    one, link = connection()
    asyncio.run(signins(store, one, 10_000.0).check())
    assert [code for code, _ in link.closed] == [4401]


@pytest.mark.parametrize(("now", "seconds"), [(500.0, 1800), (9_000.0, 1000)])
def test_input_renews_once_and_never_beyond_the_end(now: float, seconds: int) -> None:
    store = FakeStore()
    one, link = connection()
    watch = signins(store, one, now)
    asyncio.run(watch.renew())
    assert store.renewed == {}
    link.last_input = now - 1
    asyncio.run(watch.renew())
    assert store.renewed == {"t1": seconds}
    store.renewed.clear()
    asyncio.run(watch.renew())
    assert store.renewed == {}, "no input since"


def test_a_renewal_that_failed_is_made_up_for() -> None:
    store = FakeStore()
    one, link = connection()
    watch = signins(store, one, 500.0)
    link.last_input, store.away = 499.0, True
    with pytest.raises(StoreAway):
        asyncio.run(watch.renew())
    store.away = False
    asyncio.run(watch.renew())
    assert store.renewed == {"t1": 1800}


# -- presence --


def test_a_lease_is_never_written_after_its_connection_left() -> None:
    async def play() -> None:
        store = FakeStore()
        one, _ = connection()
        presence = Presence(store, "p", 5.0, lambda: [one], [].append)  # type: ignore[arg-type]
        presence.joined(one)
        store.during_write = lambda: presence.left(one)  # it leaves while the beat is under way
        await presence.write(whole=True)
        store.during_write = None
        presence._connections = list
        await presence.write(whole=False)
        assert store.leases == {}
        assert store.rung == ["i1", "i1"]

    asyncio.run(play())


def test_what_redis_missed_is_written_when_it_is_back() -> None:
    async def play() -> None:
        store = FakeStore()
        one, _ = connection()
        two, _ = connection(connection="c2")
        presence = Presence(store, "p", 5.0, list, [].append)  # type: ignore[arg-type]
        store.away = True
        presence.joined(one)
        presence.left(two)
        with pytest.raises(StoreAway):
            await presence.write(whole=False)
        store.away = False
        store.leases["c2"] = two.lease("p")
        await presence.write(whole=False)
        assert list(store.leases) == ["c1"]

    asyncio.run(play())


def test_how_long_presence_waited_is_told_once_it_is_written() -> None:
    async def play() -> None:
        store, lags = FakeStore(), list[float]()
        one, _ = connection()
        presence = Presence(store, "p", 5.0, list, lags.append)  # type: ignore[arg-type]
        await presence.write(whole=True)
        assert lags == [], "a beat alone is late for nothing"
        presence.joined(one)
        store.away = True
        with pytest.raises(StoreAway):
            await presence.write(whole=False)
        await asyncio.sleep(0.05)
        store.away = False
        await presence.write(whole=True)
        assert [lag >= 0.05 for lag in lags] == [True]
        await presence.write(whole=True)
        assert len(lags) == 1

    asyncio.run(play())


def test_who_came_and_went_unseen_is_not_told() -> None:
    async def play() -> None:
        store = FakeStore()
        one, _ = connection()
        two, _ = connection(connection="c2")
        presence = Presence(store, "p", 5.0, list, [].append)  # type: ignore[arg-type]
        presence.joined(one)
        presence.joined(two)
        presence.left(one)
        await presence.write(whole=False)
        assert list(store.leases) == ["c2"]
        presence.left(two)
        await presence.write(whole=False)
        assert store.leases == {}
        assert store.rung == ["i1", "i1"]

    asyncio.run(play())


def test_a_lease_that_may_have_been_written_is_removed() -> None:
    """Redis took it and its answer was lost."""

    async def play() -> None:
        store = FakeStore()
        one, _ = connection()
        presence = Presence(store, "p", 5.0, list, [].append)  # type: ignore[arg-type]
        presence.joined(one)
        store.away = True
        with pytest.raises(StoreAway):
            await presence.write(whole=False)
        store.away = False
        store.leases["c1"] = one.lease("p")
        presence.left(one)
        await presence.write(whole=False)
        assert store.leases == {}

    asyncio.run(play())


def test_every_beat_writes_every_lease_again() -> None:
    async def play() -> None:
        store = FakeStore()
        one, link = connection()
        presence = Presence(store, "p", 5.0, lambda: [one], [].append)  # type: ignore[arg-type]
        await presence.write(whole=True)
        store.leases.clear()
        link.bytes_down = 7
        await presence.write(whole=True)
        assert store.leases["c1"].bytes_out == 7
        assert store.rung == [], "nobody came or went"

    asyncio.run(play())


# -- the ring --


def page(username: str = "ada", roles: tuple[str, ...] = ()) -> Page:
    record = dataclasses.replace(RECORD, username=username, roles=roles)
    return Page(record, Facts(token="t1", username=username, issued_at=1.0))


@pytest.mark.parametrize(
    ("ring", "who", "heard"),
    [
        (contract.Ring("instance", "i1", 1, ("ada",)), page(), True),
        (contract.Ring("instance", "i1", 1, ("bob",)), page(), False),
        (contract.Ring("instance", "i1", 1), page(), False),
        (contract.Ring("instance", "i1", 1), page("root", ("admin",)), True),
        (contract.Ring("catalogue"), page(), True),
        (contract.Ring("notice", audience=("bob",)), page(), False),
    ],
)
def test_who_hears_a_ring(ring: contract.Ring, who: Page, heard: bool) -> None:
    assert who.hears(ring) is heard


def test_rings_melt_and_a_flood_becomes_one() -> None:
    one = page()
    one.ring(contract.Ring("instance", "i1", 5))
    one.ring(contract.Ring("instance", "i1", 0))
    assert one._take() == ['{"topic":"instance","id":"i1","revision":5}']
    for number in range(500):
        one.ring(contract.Ring("instance", f"i{number}", 1))
    assert one._take() == [ALL]
    assert one._take() == []


@pytest.mark.parametrize("text", [b"", b"[]", b'{"topic": "x", "audience": 5}', b'{"topic": 1, "revision": "x"}'])
def test_unreadable_rings_harm_nobody(text: bytes) -> None:
    class Deaf(Events):
        def __init__(self) -> None:
            self._pages = {page()}

    Deaf().heard(text)


# -- the codes of a link in trouble --


@pytest.mark.parametrize(
    ("trouble", "code", "words"),
    [
        (Trouble.BROWSER_SILENT, 4408, "The browser did not answer"),
        (Trouble.BROWSER_STUCK, 4408, "The browser took no byte"),
        (Trouble.DESKTOP_STUCK, 4502, "vnc: "),
    ],
)
def test_trouble_is_told_with_its_code(trouble: Trouble, code: int, words: str) -> None:
    one, link = connection()
    one.link_troubled(trouble)
    ((told, reason),) = link.closed
    assert told == code
    assert reason.startswith(words)
