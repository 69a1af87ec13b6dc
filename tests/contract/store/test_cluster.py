"""Cluster and audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from asci_api.domain.audit import AuditEntry, AuditFilter
from asci_api.domain.environment import GpuNeed, GpuShare, Needs
from asci_api.domain.errors import Fenced, Restoring
from asci_api.domain.identity import NodeName
from asci_api.domain.node import Node, NodeImage, NodeState, Resources, Taint
from asci_shared.redis_contract import Ring
from tests.support.people import DESKTOP
from tests.support.store_rooms import StoreRoom

NODE = Node(
    NodeName("local"),
    "unix:///var/run/docker.sock",
    NodeState.ACTIVE,
    Resources(2.0, 24 * 1024**3),
    labels={"zone": "b"},
    taints=(Taint("online", "xfm"),),
    images=(NodeImage("sha256:x", ("asci/env-desktop:dev",), 600_000_000, '{"name":"desktop"}'),),
    last_seen=5.25,
)


def test_no_snapshot_is_none_and_an_empty_one_is_empty(room: StoreRoom) -> None:
    assert room.store.cluster.nodes() is None
    room.store.cluster.put_nodes([])
    assert room.store.cluster.nodes() == []


def test_the_snapshot_is_what_was_seen_for_three_periods(room: StoreRoom) -> None:
    room.store.cluster.put_nodes([NODE])
    room.pass_time(14)
    assert room.store.cluster.nodes() == [NODE]
    room.store.cluster.put_nodes([replace(NODE, state=NodeState.DOWN, error="away")])
    assert room.store.cluster.nodes() == [replace(NODE, state=NodeState.DOWN, error="away")]
    room.pass_time(15.1)
    assert room.store.cluster.nodes() is None


def test_the_catalogue_stays_and_rings_only_when_it_differs(room: StoreRoom) -> None:
    assert room.store.cluster.environments() is None
    other = replace(DESKTOP, name="gpu", needs=Needs(gpu=GpuNeed(GpuShare.EXCLUSIVE, 2)), allow=("xfm",))
    room.store.cluster.put_environments([DESKTOP, other])
    room.store.cluster.put_environments([DESKTOP, other])
    room.pass_time(1000)
    assert room.store.cluster.environments() == [DESKTOP, other]
    room.store.cluster.put_environments([])
    assert room.store.cluster.environments() == []
    assert room.rung() == [Ring("catalogue"), Ring("catalogue")]


def test_what_is_usual_is_the_median_of_the_last_fifty_starts(room: StoreRoom) -> None:
    for _ in range(30):
        room.store.cluster.record_start("desktop", 100.0)
    for _ in range(25):
        room.store.cluster.record_start("desktop", 1.5)
    assert room.store.cluster.usual_seconds(["desktop"]) == {"desktop": 50.75}
    room.store.cluster.record_start("desktop", 2.5)
    assert room.store.cluster.usual_seconds(["desktop", "never"]) == {"desktop": 2.0}
    assert room.store.cluster.usual_seconds([]) == {}


def test_who_no_longer_leads_tells_nothing_of_the_cluster(room: StoreRoom) -> None:
    fence = room.leadership().acquire()
    assert fence is not None
    cluster = room.fenced(fence).cluster
    cluster.put_nodes([NODE])
    room.pass_time(7)
    writes: list[Callable[[], object]] = [
        lambda: cluster.put_nodes([]),
        lambda: cluster.put_environments([]),
        lambda: cluster.record_start("desktop", 1.0),
    ]
    for write in writes:
        with pytest.raises(Fenced):
            write()
    assert room.store.cluster.nodes() == [NODE]


def test_no_word_of_the_cluster_without_sentinel(room: StoreRoom) -> None:
    room.store.cluster.put_nodes([NODE])
    room.lose()
    assert room.store.cluster.nodes() is None
    assert room.store.cluster.environments() is None
    with pytest.raises(Restoring):
        room.store.cluster.put_nodes([NODE])


def entry(at: float, who: str = "demo", what: str = "instance.start", target: str = "abcdefghij") -> AuditEntry:
    return AuditEntry(at, who, what, target, "192.0.2.1", "ok", "r" * 32, {"title": "Dä"})


def plain(entries: Iterable[AuditEntry]) -> list[AuditEntry]:
    """Without the ids that the store gave."""
    return [replace(one, id="") for one in entries]


def test_the_audit_is_read_newest_first(room: StoreRoom) -> None:
    now = room.now()
    entries = [entry(now + number) for number in range(5)]
    for one in entries:
        room.store.audit.record(one)
    found = room.store.audit.find()
    assert plain(found) == entries[::-1]
    assert len({one.id for one in found}) == 5
    assert room.store.audit.find(limit=2) == found[:2]
    assert room.store.audit.find(after=found[1].id, limit=2) == found[2:4]
    assert room.store.audit.find(after=found[4].id) == []
    assert list(room.store.audit.each()) == found


def test_the_audit_is_filtered(room: StoreRoom) -> None:
    now = room.now()
    wanted = entry(now, "jun", "share.give", "x")
    for one in (entry(now), entry(now, "jun"), wanted, entry(now, target="x"), entry(now, what="share.take")):
        room.store.audit.record(one)
    find = room.store.audit.find
    assert plain(find(AuditFilter(who="jun", what="share.give", target="x"))) == [wanted]
    assert len(find(AuditFilter(who="jun"))) == 2
    assert len(find(AuditFilter(what="share.take"))) == 1
    assert len(find(AuditFilter(what="share"))) == len(find(AuditFilter(what="share."))) == 2
    assert find(AuditFilter(what="sha")) == []
    assert len(find(AuditFilter(target="x"))) == 2
    assert find(AuditFilter(who="nobody")) == []


def test_the_audit_is_filtered_by_time_outcome_and_instance(room: StoreRoom) -> None:
    now = room.now()
    early, refused, node = entry(now - 7200), replace(entry(now), outcome="quota-reached"), entry(now, what="node.gone")
    for one in (early, refused, node, entry(now)):
        room.store.audit.record(one)
    find = room.store.audit.find
    assert plain(find(AuditFilter(outcome="quota-reached"))) == [refused]
    assert plain(find(AuditFilter(instance="abcdefghij"))) == [entry(now), early]
    assert len(find(AuditFilter(since=now))) == 3
    assert len(find(AuditFilter(since=now - 1, until=now + 1))) == 3
    assert find(AuditFilter(since=now + 1)) == []


def test_of_equal_moments_no_page_loses_a_line(room: StoreRoom) -> None:
    now = room.now()
    for number in range(10):
        room.store.audit.record(entry(now, target=f"t{number}"))
    seen: list[str] = []
    after = ""
    while found := room.store.audit.find(after=after, limit=3):
        seen += [one.target for one in found]
        after = found[-1].id
    assert seen == [f"t{number}" for number in reversed(range(10))]


@pytest.mark.parametrize("odd", ['quo"ted', "back\\slash", "Zürich ✓", "per%cent.(+)", " ", "new\nline"])
def test_the_audit_is_filtered_by_odd_words(room: StoreRoom, odd: str) -> None:
    wanted = entry(room.now(), target=odd)
    room.store.audit.record(entry(room.now()))
    room.store.audit.record(wanted)
    assert plain(room.store.audit.find(AuditFilter(target=odd))) == [wanted]


def test_a_long_audit_is_read_to_its_beginning(room: StoreRoom) -> None:
    now = room.now()
    for number in range(1203):
        room.store.audit.record(entry(now + number / 1000, who="first" if number == 0 else "demo"))
    assert [one.who for one in room.store.audit.find(AuditFilter(who="first"))] == ["first"]
    assert len(room.store.audit.find(limit=5000)) == 1203


def test_equal_lines_are_written_once_in_their_seconds(room: StoreRoom) -> None:
    refusal = replace(entry(room.now()), outcome="not-allowed")
    others = [replace(refusal, who="jun"), replace(refusal, what="x"), replace(refusal, target="x")]
    for one in (
        refusal,
        *others,
        replace(refusal, outcome="quota-reached"),
        *[replace(refusal, request_id="q" * 32)] * 3,
    ):
        room.store.audit.record(one, once_per=60)
    assert len(room.store.audit.find(limit=20)) == 5
    room.store.audit.record(refusal)
    assert len(room.store.audit.find(limit=20)) == 6
    room.pass_time(60)
    room.store.audit.record(refusal, once_per=60)
    assert len(room.store.audit.find(limit=20)) == 7


def test_no_audit_without_sentinel(room: StoreRoom) -> None:
    room.lose()
    with pytest.raises(Restoring):
        room.store.audit.record(entry(1.0))
    with pytest.raises(Restoring):
        room.store.audit.find()
