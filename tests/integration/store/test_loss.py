"""Redis restarted, cut off, emptied; controllers frozen and killed; copies left behind."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from asci_api.domain.audit import AuditEntry
from asci_api.domain.errors import AsciError, Fenced, Restoring, Unavailable
from asci_api.domain.identity import InstanceId, Username
from asci_api.domain.instance import Instance, State
from asci_api.domain.policy import Policy
from asci_api.domain.ports import Fence
from asci_api.store import keys
from asci_api.store.durable import RedisDurableCopy
from asci_api.store.facts import Fact, Facts
from asci_api.store.redis import connect
from asci_api.store.stores import RedisStore
from asci_shared.redis_contract import TokenRecord
from tests.support.people import queued
from tests.support.redis_server import RedisServer
from tests.support.store_rooms import RedisRoom, redis_room

FIRST = InstanceId("abcdefghij")
MANY = 700
"""More than two chunks of a restore."""
DYING = """
import os, signal, sys
from pathlib import Path
from asci_api.store.durable import RedisDurableCopy
from asci_api.store.facts import Facts
from asci_api.store.leader import RedisLeadership
from asci_api.store.redis import Door, connect

send = RedisDurableCopy._send

def die(self, fence, calls):
    send(self, fence, calls)
    os.kill(os.getpid(), signal.SIGKILL)

RedisDurableCopy._send = die
door = Door(connect(sys.argv[1]))
RedisDurableCopy(door, Facts(Path(sys.argv[2]), "controller")).restore(RedisLeadership(door, "dying").acquire())
"""
"""A controller that is killed after the first chunk of its restore."""


def acquired(room: RedisRoom, name: str = "first") -> Fence:
    fence = room.leadership(name).acquire()
    assert fence is not None
    return fence


def restore(room: RedisRoom, name: str = "first") -> int:
    fence = acquired(room, name)
    count = room.durable.restore(fence)
    room.leadership(name).raise_sentinel(fence)
    return count


def copy(room: RedisRoom) -> None:
    while room.durable.follow(0.01):
        pass


def fill(room: RedisRoom, many: int = MANY) -> None:
    now = room.now()
    for number in range(many):
        room.store.instances.add(queued(f"many{number:06}", now=now + number, log=("a", "b") if number % 3 else ()))
        room.store.tokens.add(f"{number:064x}", token(now))
    for number in range(many):
        room.store.audit.record(audited(now + number, f"many{number:06}"))
    room.store.policies.change(lambda _: Policy(spread=False))
    room.store.cluster.record_start("desktop", 1.5)


def token(now: float, idle: int = 3600) -> TokenRecord:
    return TokenRecord("demo", "Demo", ("user", "admin"), now, now + 86400.0, idle)


def audited(at: float, target: str) -> AuditEntry:
    return AuditEntry(at, "demo", "instance.start", target, "192.0.2.1", "ok", "r" * 32, {"k": "v"})


def everything(room: RedisRoom) -> list[object]:
    ids = [one.id for one in room.store.instances.all()]
    return [
        [room.store.instances.get(one) for one in ids],
        room.store.instances.active(),
        room.store.instances.visible_to(Username("demo")),
        sorted(room.store.tokens.of(Username("demo"))),
        room.store.audit.find(limit=10 * MANY),
        room.store.policies.get(),
        room.store.cluster.usual_seconds(["desktop"]),
        sorted(str(room.client.smembers(key)) for key in room.client.scan_iter("asci:audience:*")),
    ]


def test_a_restart_of_redis_loses_nothing_and_is_bridged(room: RedisRoom) -> None:
    room.store.instances.add(queued(FIRST))
    room.server.stop()
    with pytest.raises(Unavailable):
        room.store.instances.get(FIRST)
    assert not room.store.pulse.beats()
    room.server.start()
    assert room.store.instances.get(FIRST) is not None
    room.store.instances.change(FIRST, lambda one: replace(one, title="after"))
    assert room.store.instances.all()[0].title == "after"


def test_nobody_is_the_default_user(room: RedisRoom) -> None:
    """It has every right, since Redis reads its append-only file as that user; so nobody may be it."""
    for url in (room.server.url, room.server.url_of("default", "guess")):
        client = connect(url)
        with pytest.raises(redis.exceptions.AuthenticationError):
            client.get("asci:sentinel")
        client.close()


def test_a_redis_that_says_nothing_is_unavailable_in_time(room: RedisRoom) -> None:
    room.store.instances.add(queued(FIRST))
    room.server.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            room.store.instances.get(FIRST)
        assert time.monotonic() - began < 10.0
        assert not room.store.pulse.beats()
    finally:
        room.server.thaw()


def test_a_redis_that_is_full_or_forbids_is_unavailable_and_reads_on(room: RedisRoom) -> None:
    made = room.store.instances.add(queued(FIRST))
    writes: list[Callable[[], object]] = [
        lambda: room.store.instances.change(FIRST, lambda one: replace(one, title="x")),
        lambda: room.store.attempts.succeeded("demo", "192.0.2.1"),
        lambda: room.store.tokens.add("a" * 64, token(room.now())),
    ]
    room.client.config_set("maxmemory", "1")
    try:
        for write in writes:
            with pytest.raises(Unavailable):
                write()
        assert room.store.instances.get(FIRST) == made
    finally:
        room.client.config_set("maxmemory", "0")
    proxy = RedisStore(room.connected("proxy"))
    with pytest.raises(Unavailable):
        proxy.instances.add(queued("bcdefghijk"))
    with pytest.raises(Unavailable):
        proxy.policies.get()
    proxy.door.client.close()
    proxy.pulse.close()
    assert room.store.instances.change(FIRST, lambda one: replace(one, title="x")).title == "x"


def test_waiting_for_wakes_outlasts_a_redis_that_goes_away(room: RedisRoom) -> None:
    room.store.wakes.wait(0.01)
    room.server.stop()
    assert room.store.wakes.wait(0.2) == []
    room.server.start()
    room.store.wakes.wait(0.2)
    room.store.wakes.wake("again")
    assert room.store.wakes.wait(5.0) == ["again"]


def test_everything_of_very_much_is_there_again(room: RedisRoom) -> None:
    fill(room)
    copy(room)
    before = everything(room)
    room.lose()
    assert restore(room) > 3 * MANY
    assert everything(room) == before


def test_a_copy_of_a_redis_that_nobody_restored_is_not_made(room: RedisRoom) -> None:
    """Facts that appear in a new Redis before its sentinel are no reason to forget what the copy has."""
    fill(room, 3)
    copy(room)
    room.lose()
    room.client.set(keys.instance("stranger"), "{}")
    room.client.xadd(keys.CHANGES, {"kind": "instance", "key": "many000001"})
    assert room.durable.follow(0.01) == 0
    assert len(list(room.facts.of("instance"))) == 3


def test_redis_emptied_in_the_middle_of_a_copy_of_everything(room: RedisRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(room, 3)
    copy(room)
    room.client.xtrim(keys.CHANGES, maxlen=0, approximate=False)
    room.store.instances.add(queued(FIRST))
    real = RedisDurableCopy._tokens

    def emptied(self: RedisDurableCopy) -> object:
        room.lose()
        return real(self)

    monkeypatch.setattr(RedisDurableCopy, "_tokens", emptied)
    with pytest.raises(Restoring):
        room.durable.follow(0.01)
    assert (len(list(room.facts.of("instance"))), len(list(room.facts.of("token")))) == (3, 3)


def test_a_cursor_that_was_trimmed_away_copies_everything(room: RedisRoom) -> None:
    fill(room, 3)
    copy(room)
    room.store.instances.change(
        InstanceId("many000000"), lambda one: one.to(State.STOPPED, one.created_at, ended_at=one.created_at)
    )
    room.store.instances.forget(InstanceId("many000000"))
    room.store.tokens.drop(f"{1:064x}")
    for number in range(5):
        room.store.audit.record(audited(room.now(), f"late{number}"))
    room.client.xtrim(keys.CHANGES, maxlen=1, approximate=False)
    copy(room)
    assert [key for key, _ in room.facts.of("instance")] == ["many000001", "many000002"]
    assert [key for key, _ in room.facts.of("token")] == [f"{0:064x}", f"{2:064x}"]
    assert len(list(room.facts.of("audit"))) == 8
    before = everything(room)
    room.lose()
    restore(room)
    assert everything(room) == before


def test_a_redis_that_lost_its_last_second_is_copied_anew(room: RedisRoom) -> None:
    fill(room, 2)
    copy(room)
    room.facts.apply([Fact("instance", "neverwas01", b"{}")], "99999999999999-0")
    copy(room)
    assert [key for key, _ in room.facts.of("instance")] == ["many000000", "many000001"]


def test_a_copy_that_was_away_goes_on_where_it_was(room: RedisRoom) -> None:
    fill(room, 3)
    copy(room)
    room.facts.close()
    room.store.instances.change(InstanceId("many000001"), lambda one: replace(one, title="meanwhile"))
    facts = Facts(room.facts.path.parent, "controller")
    again = RedisDurableCopy(room.controller.door, facts)
    assert again.follow(0.01) == 1
    assert b"meanwhile" in dict(facts.of("instance"))["many000001"]
    facts.close()


def test_following_waits_for_a_change_and_has_it_at_once(room: RedisRoom) -> None:
    copy(room)
    timer = threading.Timer(0.1, room.store.instances.add, [queued(FIRST)])
    timer.start()
    assert room.durable.follow(1.0) == 1
    timer.join()
    assert [key for key, _ in room.facts.of("instance")] == [FIRST]


def test_a_sign_in_that_ran_out_leaves_the_copy_and_is_not_revived(
    room: RedisRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.store.tokens.add("a" * 64, token(room.now(), idle=60))
    room.store.tokens.add("b" * 64, token(room.now()))
    copy(room)
    room.pass_time(61)
    monkeypatch.setattr("asci_api.store.durable.SWEEP_SECONDS", -1.0)
    room.durable.follow(0.01)
    assert [key for key, _ in room.facts.of("token")] == ["b" * 64]
    room.lose()
    restore(room)
    assert room.store.tokens.use("a" * 64) is None
    assert room.store.tokens.use("b" * 64) is not None


def test_sweeping_sign_ins_takes_none_out_while_redis_is_empty(
    room: RedisRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.store.tokens.add("a" * 64, token(room.now()))
    copy(room)
    epoch = room.facts.epoch
    room.lose()
    room.durable._sweep(epoch)
    assert [key for key, _ in room.facts.of("token")] == ["a" * 64]


def test_no_token_is_in_the_file_and_only_its_owner_reads_it(room: RedisRoom) -> None:
    fill(room, 2)
    copy(room)
    for path in room.facts.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert all(len(key) == 64 for key, _ in room.facts.of("token"))


def test_a_controller_under_a_new_name_begins_with_what_the_newest_knew(room: RedisRoom) -> None:
    fill(room, 2)
    copy(room)
    folder = room.facts.path.parent
    stale = Facts(folder, "older")
    stale.apply([Fact("instance", "neverwas01", b"{}")], "1-1")
    stale.close()
    room.facts.apply([], room.facts.cursor)
    facts = Facts(folder, "newcomer")
    assert list(facts.of("instance")) == list(room.facts.of("instance"))
    assert facts.cursor == room.facts.cursor
    assert facts.epoch == room.facts.epoch
    facts.close()


def test_whoever_restores_does_so_from_the_copy_that_knows_most(room: RedisRoom) -> None:
    folder = room.facts.path.parent
    newcomer = Facts(folder, "newcomer")
    fill(room, 3)
    copy(room)
    before = everything(room)
    room.lose()
    fence = acquired(room, "newcomer")
    assert RedisDurableCopy(room.controller.door, newcomer).restore(fence) > 0
    room.leadership("newcomer").raise_sentinel(fence)
    assert everything(room) == before
    assert newcomer.last_epoch == fence.epoch
    newcomer.close()


def test_a_copy_that_knows_as_much_as_any_other_takes_nothing_from_them(room: RedisRoom) -> None:
    fill(room, 1)
    copy(room)
    stale = Facts(room.facts.path.parent, "stale")
    room.store.instances.add(queued(FIRST))
    copy(room)
    stale.apply([Fact("instance", "neverwas01", b"{}")])
    facts = list(room.facts.of("instance"))
    room.facts.catch_up()
    assert list(room.facts.of("instance")) == facts
    stale.close()


def test_a_copy_that_cannot_be_read_makes_no_leader(room: RedisRoom) -> None:
    room.lose()
    fence = acquired(room)
    room.facts.close()
    with pytest.raises(Unavailable, match="copy of the records"):
        room.durable.restore(fence)


def test_a_file_that_cannot_be_read_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "controller.sqlite").write_bytes(b"this is no database" * 1000)
    facts = Facts(tmp_path, "controller")
    assert list(facts.of("instance")) == []
    facts.apply([Fact("policy", "", b"{}")], "1-1")
    facts.close()
    (aside,) = tmp_path.glob("controller.broken-*")
    assert aside.read_bytes().startswith(b"this is no database")


def test_a_file_that_is_locked_is_not_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Facts(tmp_path, "controller").close()
    monkeypatch.setattr("asci_api.store.facts._BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(tmp_path / "controller.sqlite", isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("INSERT INTO meta VALUES ('a', 'b')")
    with pytest.raises(sqlite3.OperationalError):
        Facts(tmp_path, "controller")
    holder.close()
    assert list(tmp_path.glob("*.broken-*")) == []


def test_two_processes_on_one_file(room: RedisRoom) -> None:
    other = Facts(room.facts.path.parent, "controller")
    second = RedisDurableCopy(room.controller.door, other)
    copy(room)
    for number in range(50):
        room.store.instances.add(queued(f"many{number:06}", now=number))
        (second if number % 2 else room.durable).follow(0.01)
    copy(room)
    second.follow(0.01)
    assert len(list(other.of("instance"))) == len(list(room.facts.of("instance"))) == 50
    other.close()


def test_old_lines_of_the_audit_are_pruned(room: RedisRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asci_api.store.facts.AUDIT_LENGTH", 10)
    fill(room, 25)
    copy(room)
    room.facts.prune_audit()
    lines = list(room.facts.of("audit"))
    assert len(lines) == 10
    assert b"many000024" in lines[-1][1]


def test_facts_that_nobody_can_read_hold_up_no_restore(room: RedisRoom) -> None:
    fill(room, 3)
    copy(room)
    before = everything(room)
    broken = [Fact(kind, "broken", b"no json") for kind in ("instance", "token", "starts")]
    room.facts.apply([*broken, Fact("instance", "shapeless", b"{}"), Fact("token", "shapeless", b"[]")])
    room.lose()
    restore(room)
    assert everything(room) == before


def test_a_record_that_nobody_can_read_takes_no_list_down(room: RedisRoom) -> None:
    fill(room, 3)
    copy(room)
    room.client.set(keys.instance("many000001"), "no json")
    room.store.instances.kept.clear()
    assert [one.id for one in room.store.instances.all()] == ["many000000", "many000002"]


# -- leaders -------------------------------------------------------------------------------------------------------


def test_a_leader_that_was_frozen_writes_nothing_when_it_wakes(room: RedisRoom) -> None:
    """Frozen between its decision and its write: the step has run, the write comes too late."""
    fence = acquired(room, "frozen")
    room.fenced(fence).instances.add(queued(FIRST))
    decided, thawed = threading.Event(), threading.Event()
    outcome: list[Exception] = []

    def slow(record: Instance) -> Instance:
        decided.set()
        thawed.wait(10.0)
        return replace(record, attempts=99)

    def work() -> None:
        try:
            room.fenced(fence).instances.change(FIRST, slow)
        except AsciError as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert decided.wait(5.0)
    room.pass_time(6.1)
    acquired(room, "next")
    before = dump(room)
    thawed.set()
    thread.join()
    assert isinstance(outcome[0], Fenced)
    assert dump(room) == before


def test_a_leader_that_was_frozen_through_a_loss_writes_nothing(room: RedisRoom) -> None:
    """After a FLUSHALL numbers begin anew; the epoch tells the terms apart."""
    frozen = acquired(room, "frozen")
    copy(room)
    room.lose()
    while acquired(room, "next").number < frozen.number:
        room.leadership("next").release(acquired(room, "next"))
    restore(room, "next")
    assert acquired(room, "next").number == frozen.number
    before = dump(room)
    for write in (
        lambda: room.fenced(frozen).instances.add(queued(FIRST)),
        lambda: room.fenced(frozen).cluster.put_nodes([]),
        lambda: room.fenced(frozen).audit.record(audited(1.0, "x")),
        lambda: room.durable.restore(frozen),
        lambda: room.leadership("frozen").raise_sentinel(frozen),
    ):
        with pytest.raises(Fenced):
            write()
    room.leadership("frozen").release(frozen)
    assert dump(room) == before


def test_a_clock_that_went_back_makes_no_old_epoch(room: RedisRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    first = acquired(room)
    copy(room)
    room.lose()
    monkeypatch.setattr("asci_api.store.leader.time.time", lambda: 1000.0)
    second = acquired(room)
    assert second.epoch > first.epoch


def test_a_sentinel_that_alone_was_lost_begins_a_new_term(room: RedisRoom) -> None:
    fence = acquired(room)
    room.client.delete("asci:sentinel")
    later = acquired(room)
    assert later.epoch > fence.epoch
    assert later.number > fence.number
    room.durable.restore(later)
    room.leadership().raise_sentinel(later)
    assert acquired(room) == later


def test_emptied_between_two_writes_of_a_restore(room: RedisRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(room)
    copy(room)
    before = everything(room)
    room.lose()
    fence = acquired(room)
    real = RedisDurableCopy._send
    sent: list[int] = []

    def emptied(self: RedisDurableCopy, of: Fence, calls: list[object]) -> int:
        if len(sent) == 2:
            room.lose()
            acquired(room)
        sent.append(len(calls))
        return real(self, of, calls)  # type: ignore[arg-type]

    monkeypatch.setattr(RedisDurableCopy, "_send", emptied)
    with pytest.raises(Fenced):
        room.durable.restore(fence)
    monkeypatch.undo()
    assert not room.leadership().sentinel_stands()
    restore(room)
    assert everything(room) == before


def test_a_controller_killed_in_the_middle_of_a_restore(room: RedisRoom) -> None:
    """A process of its own, killed after its first chunk; the next leader ends what it began."""
    fill(room)
    copy(room)
    before = everything(room)
    room.lose()
    child = subprocess.run(
        [sys.executable, "-c", DYING, room.url("controller"), str(room.facts.path.parent)],
        env={"PYTHONPATH": ":".join(sys.path)},
        check=False,
    )
    assert child.returncode == -signal.SIGKILL
    assert 0 < room.client.zcard(keys.INSTANCES) < MANY
    assert room.leadership().acquire() is None
    with pytest.raises(Restoring):
        room.store.instances.all()
    room.pass_time(6.1)
    restore(room)
    assert everything(room) == before


def test_a_long_restore_keeps_its_lock(room: RedisRoom) -> None:
    fill(room, 30)
    copy(room)
    room.lose()
    fence = acquired(room)
    room.client.pexpire(keys.LEADER, 1500)
    room.durable.restore(fence)
    assert room.client.pttl(keys.LEADER) > 4000


def test_what_stands_wins_over_the_copy(room: RedisRoom) -> None:
    fill(room, 2)
    copy(room)
    room.store.instances.change(InstanceId("many000000"), lambda one: replace(one, title="newer"))
    room.store.policies.change(lambda _: Policy(spread=True, cpu_overcommit=9.0))
    room.client.delete("asci:sentinel")
    restore(room)
    assert room.store.instances.all()[0].title == "newer"
    assert room.store.policies.get().cpu_overcommit == 9.0


def test_parsed_records_are_not_kept_across_a_loss_of_the_last_second(room: RedisRoom) -> None:
    """The same revision with other words: Redis forgot revision 2 and somebody else wrote another one."""
    room.store.instances.add(queued(FIRST))
    first = room.client.dump(keys.instance(FIRST))
    assert first is not None
    version = room.client.hget(keys.VERSIONS, FIRST)
    room.store.instances.change(FIRST, lambda one: replace(one, title="forgotten"))
    assert room.store.instances.all()[0].title == "forgotten"
    room.client.restore(keys.instance(FIRST), 0, first, replace=True)
    room.client.hset(keys.VERSIONS, FIRST, version)
    room.fenced(acquired(room)).instances.change(FIRST, lambda one: replace(one, title="another"))
    assert (room.store.instances.all()[0].title, room.store.instances.all()[0].revision) == ("another", 2)


def test_nothing_that_should_end_stays_for_ever(room: RedisRoom) -> None:
    fill(room, 3)
    room.store.attempts.failed("demo", "192.0.2.1")
    for _ in range(25):
        room.store.attempts.failed("demo", "192.0.2.1")
    room.store.attempts.succeeded("demo", "192.0.2.1")
    room.store.idempotency.claim(Username("demo"), "k", "f", FIRST)
    room.store.cluster.put_nodes([])
    lasting = {
        key.decode()
        for key in room.client.scan_iter("*")
        if room.client.ttl(key) == -1 and not key.startswith((b"asci:instance", b"asci:audience:many"))
    }
    assert lasting == {
        "asci:sentinel",
        "asci:changes",
        "asci:audit",
        "asci:policy",
        "asci:starts:desktop",
        "asci:leader:number",
    }


def test_forgotten_instances_leave_no_key(room: RedisRoom) -> None:
    fill(room, 2)
    for number in range(2):
        one = InstanceId(f"many{number:06}")
        room.store.instances.change(one, lambda record: record.to(State.STOPPED, 1.0, ended_at=1.0, log=("x",)))
        room.store.instances.forget(one)
    assert list(room.client.scan_iter("*many*")) == []
    assert list(room.client.scan_iter("asci:instance*")) == []


def test_scripts_are_loaded_again_after_a_restart(redis_server: RedisServer) -> None:
    with redis_room(redis_server) as room:
        room.store.instances.add(queued(FIRST))
        room.client.script_flush()
        room.store.instances.change(FIRST, lambda one: replace(one, title="x"))
        copy(room)
        room.lose()
        room.client.script_flush()
        restore(room)
        assert room.store.instances.all()[0].title == "x"


def test_a_copy_that_cannot_be_written_says_so(room: RedisRoom) -> None:
    room.facts.close()
    with pytest.raises(sqlite3.ProgrammingError):
        room.durable.follow(0.01)


def dump(room: RedisRoom) -> dict[str, bytes | None]:
    """All that Redis holds; what expires is left out, since its time goes on."""
    return {key.decode(): room.client.dump(key) for key in room.client.scan_iter("*") if key != b"asci:leader"}
