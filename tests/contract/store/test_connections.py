"""Tickets, presence, revocations, rings, wakes."""

from __future__ import annotations

import threading
import time

import pytest

from asci_api.domain.errors import Changed, Fenced
from asci_api.domain.identity import InstanceId
from asci_shared.close_codes import CloseCode
from asci_shared.redis_contract import Lease, Mode, RevocationKind, Ring, Ticket
from tests.support.people import queued
from tests.support.store_rooms import StoreRoom

INSTANCE = InstanceId("abcdefghij")
OTHER = InstanceId("bcdefghijk")
TICKET = Ticket(
    connection="c" * 22,
    instance=INSTANCE,
    kind="desktop",
    address="172.20.0.1",
    port=32768,
    username="demo",
    name='Demo "Dä" Scientist',
    owner="demo",
    token="a" * 64,
    mode="control",
    generation=3,
    issued_at=0.0,
    request_id="r" * 32,
)


def lease(connection: str, instance: str = INSTANCE, since: float = 10.0) -> Lease:
    return Lease(connection, instance, "demo", "Demo", "control", "a" * 64, "proxy-1", since, 0.0, 1, 2)


def test_a_ticket_is_stored_with_the_stores_time_and_taken_once(room: StoreRoom) -> None:
    before = room.now()
    issued = room.store.tickets.issue(TICKET)
    assert before <= issued.issued_at <= room.now()
    assert room.take(TICKET.connection) == issued
    assert room.take(TICKET.connection) is None


def test_a_ticket_lasts_half_a_minute(room: StoreRoom) -> None:
    issued = room.store.tickets.issue(TICKET)
    room.pass_time(29)
    assert room.take(TICKET.connection) == issued
    room.store.tickets.issue(TICKET)
    room.pass_time(30.1)
    assert room.take(TICKET.connection) is None


def test_a_right_checked_before_a_change_makes_no_ticket_after_it(room: StoreRoom) -> None:
    room.store.instances.add(queued(INSTANCE))
    assert room.store.tickets.issue(TICKET, revision=1) is not None
    assert room.take(TICKET.connection) is not None
    for revision in (2, 11, 0):
        with pytest.raises(Changed):
            room.store.tickets.issue(TICKET, revision=revision)
    assert room.take(TICKET.connection) is None


def test_no_ticket_at_a_revision_of_what_is_gone(room: StoreRoom) -> None:
    with pytest.raises(Changed):
        room.store.tickets.issue(TICKET, revision=1)


def test_presence_lists_leases_oldest_first_for_every_instance_asked(room: StoreRoom) -> None:
    young, old, elsewhere = lease("young", since=20.0), lease("old", since=10.0), lease("elsewhere", OTHER)
    for one in (young, old, elsewhere):
        room.beat(one)
    assert room.store.presence.of([INSTANCE]) == {INSTANCE: [old, young]}
    nobody = InstanceId("cdefghijkl")
    assert room.store.presence.of([OTHER, nobody]) == {OTHER: [elsewhere], nobody: []}
    assert room.store.presence.of([]) == {}


def test_a_lease_that_nobody_renews_ends(room: StoreRoom) -> None:
    room.beat(lease("one"))
    room.pass_time(60)
    room.beat(lease("two"))
    room.pass_time(31)
    assert [one.connection for one in room.store.presence.of([INSTANCE])[INSTANCE]] == ["two"]


def test_presence_of_very_many(room: StoreRoom) -> None:
    wanted = [InstanceId(f"many{number:06}") for number in range(2500)]
    for number in (0, 999, 1000, 2499):
        room.beat(lease(f"c{number}", wanted[number]))
    found = room.store.presence.of(wanted)
    assert list(found) == wanted
    assert {instance for instance, leases in found.items() if leases} == {wanted[n] for n in (0, 999, 1000, 2499)}


def test_a_revocation_is_pushed_as_it_was_made(room: StoreRoom) -> None:
    before = room.now()
    made = room.store.revocations.revoke(
        RevocationKind.SHARE,
        code=CloseCode.REVOKED,
        reason="Mara removed your access.",
        instance=INSTANCE,
        username="jun",
        modes=(Mode.CONTROL,),
    )
    assert before <= made.at <= room.now()
    assert (made.kind, made.code, made.modes) == ("share", 4403, ("control",))
    assert made.matches(connection="c", instance=INSTANCE, username="jun", token="t", mode="control")
    assert not made.matches(connection="c", instance=INSTANCE, username="jun", token="t", mode="view")
    assert room.revoked() == [made]


def test_equal_revocations_are_two(room: StoreRoom) -> None:
    for _ in range(2):
        room.store.revocations.revoke(RevocationKind.TOKEN, code=CloseCode.SIGNED_OUT, reason="x", token="a" * 64)
    first, second = room.revoked()
    assert first.id != second.id


def test_a_revocation_does_not_wait_for_a_restore(room: StoreRoom) -> None:
    room.lose()
    room.store.revocations.revoke(RevocationKind.PERSON, code=CloseCode.SIGNED_OUT, reason="x", username="jun")
    assert len(room.revoked()) == 1


def test_who_no_longer_leads_revokes_nothing(room: StoreRoom) -> None:
    fence = room.leadership().acquire()
    assert fence is not None
    room.fenced(fence).revocations.revoke(RevocationKind.INSTANCE, code=CloseCode.ENDED, reason="x", instance=INSTANCE)
    room.pass_time(7)
    with pytest.raises(Fenced):
        room.fenced(fence).revocations.revoke(
            RevocationKind.INSTANCE, code=CloseCode.ENDED, reason="x", instance=INSTANCE
        )
    assert len(room.revoked()) == 1


def test_rings_are_heard(room: StoreRoom) -> None:
    rings = [Ring("notice"), Ring("instance", INSTANCE, 0, ("demo", "jun"))]
    for ring in rings:
        room.store.rings.ring(ring)
    assert room.rung() == rings


def test_waiting_hears_what_came_since_the_last_wait(room: StoreRoom) -> None:
    assert room.store.wakes.wait(0.01) == []
    for payload in ("", INSTANCE, f"secret:{INSTANCE}"):
        room.store.wakes.wake(payload)
    heard: list[str] = []
    while len(heard) < 3:
        heard += room.store.wakes.wait(2.0)
    assert heard == ["", INSTANCE, f"secret:{INSTANCE}"]
    assert room.store.wakes.wait(0.01) == []


def test_a_wake_ends_the_waiting(room: StoreRoom) -> None:
    room.store.wakes.wait(0.01)
    timer = threading.Timer(0.1, room.store.wakes.wake, ["now"])
    timer.start()
    began = time.monotonic()
    assert room.store.wakes.wait(20.0) == ["now"]
    assert time.monotonic() - began < 10.0
    timer.join()
