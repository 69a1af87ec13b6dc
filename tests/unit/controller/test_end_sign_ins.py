"""Sign-ins follow the directory, by whatever way that was changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asci_api.domain.errors import Fenced, Unavailable
from asci_api.domain.identity import Person
from asci_api.loops.reconciler import END_SIGN_INS_EVERY, Reconciler
from asci_api.loops.view import ClusterView
from asci_api.loops.workers import Workers
from asci_api.work.end_sign_ins import end_sign_ins
from asci_shared.close_codes import CloseCode
from asci_shared.redis_contract import RevocationKind, TokenRecord
from tests.support.controller_room import People, Room
from tests.support.people import ADMIN, DEMO, JUN


class Changed(People):
    """A directory in which some people are not as they were, or which cannot be read."""

    def __init__(self, changed: dict[str, Person | None], unreadable: bool = False) -> None:
        self.changed = changed
        self.unreadable = unreadable

    def get(self, username: str) -> Person | None:
        if self.unreadable and username == "jun":
            raise Unavailable("The accounts cannot be read.")
        return self.changed[username] if username in self.changed else super().get(username)


def sign_in(room: Room, person: Person, token: str) -> None:
    now = room.store.clock()
    record = TokenRecord(person.username, person.name, person.roles, now, now + 86400, 3600, "192.0.2.1")
    room.store.tokens.add(token * 64, record)


@pytest.fixture
def signed_in(room: Room) -> Room:
    for person, token in ((DEMO, "a"), (DEMO, "b"), (JUN, "c"), (ADMIN, "d")):
        sign_in(room, person, token)
    return room


def standing(room: Room) -> str:
    return "".join(token[0] for token in sorted(room.store.tokens.standing()))


def ended(room: Room, directory: People) -> int:
    return end_sign_ins(replace(room.desk, directory=directory))


def test_nobody_is_signed_out_while_all_is_as_it_was(signed_in: Room) -> None:
    assert ended(signed_in, People()) == 0
    assert standing(signed_in) == "abcd"
    assert signed_in.store.revocations.made == []


@pytest.mark.parametrize("now", [None, replace(DEMO, disabled=True)])
def test_who_is_missing_or_disabled_is_signed_out_everywhere(signed_in: Room, now: Person | None) -> None:
    assert ended(signed_in, Changed({"demo": now})) == 2
    assert standing(signed_in) == "cd"
    (made,) = signed_in.store.revocations.made
    assert (made.kind, made.username, made.code) == (RevocationKind.PERSON, "demo", CloseCode.SIGNED_OUT)


def test_who_lost_a_role_signs_in_again(signed_in: Room) -> None:
    assert ended(signed_in, Changed({"admin": replace(ADMIN, roles=("user",))})) == 1
    assert standing(signed_in) == "abc"
    (made,) = signed_in.store.revocations.made
    assert (made.kind, made.token, made.code) == (RevocationKind.TOKEN, "d" * 64, CloseCode.SIGNED_OUT)


def test_the_order_of_roles_says_nothing(signed_in: Room) -> None:
    assert ended(signed_in, Changed({"admin": replace(ADMIN, roles=("admin", "user"))})) == 0


def test_a_new_password_ends_the_sign_ins_before_it_only(signed_in: Room) -> None:
    changed = signed_in.store.clock.advance(10)
    sign_in(signed_in, DEMO, "e")
    assert ended(signed_in, Changed({"demo": replace(DEMO, signed_out_at=changed)})) == 2
    assert standing(signed_in) == "cde"


def test_a_directory_that_cannot_be_read_ends_nobody(signed_in: Room) -> None:
    assert ended(signed_in, Changed({"demo": None}, unreadable=True)) == 0
    assert standing(signed_in) == "abcd"


def test_a_controller_that_no_longer_leads_ends_nobody(signed_in: Room) -> None:
    fence = signed_in.store.leader("one").acquire()
    assert fence is not None
    old = signed_in.store.fenced(fence)
    signed_in.store.clock.advance(60)
    assert signed_in.store.leader("two").acquire() is not None
    desk = replace(signed_in.desk, tokens=old.tokens, revocations=old.revocations, directory=Changed({"demo": None}))
    with pytest.raises(Fenced):
        end_sign_ins(desk)
    assert standing(signed_in) == "abcd"


def test_the_reconciler_compares_every_few_seconds(signed_in: Room) -> None:
    directory = Changed({})
    workers = Workers(lambda _: None)
    desk = replace(signed_in.desk, directory=directory)
    reconciler = Reconciler(desk, signed_in.store.wakes, workers, ClusterView(desk.clock), lambda: None)
    try:
        reconciler.round()
        directory.changed["jun"] = None
        reconciler.round()
        assert standing(signed_in) == "abcd"
        signed_in.store.clock.advance(END_SIGN_INS_EVERY)
        reconciler.round()
        assert standing(signed_in) == "abd"
    finally:
        workers.close()
