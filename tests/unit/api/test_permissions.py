"""Who may do what: every call that touches an instance, for every relation to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from asci_api.domain.identity import Person, Username
from asci_api.domain.instance import Share
from asci_api.work.permissions import Access, Right, access_of, rights_of
from asci_shared.redis_contract import Mode
from tests.support.api_lab import ApiLab, Reply, Visitor
from tests.support.people import ADMIN, DEMO, JUN, queued

Ask = Callable[[Visitor, str], Reply]

CALLS: dict[str, Ask] = {
    "see": lambda who, one: who.get(f"/instances/{one}"),
    "connections": lambda who, one: who.get(f"/instances/{one}/connections"),
    "watch": lambda who, one: who.post(f"/instances/{one}/connections", {"mode": "view"}),
    "work": lambda who, one: who.post(f"/instances/{one}/connections", {"mode": "control"}),
    "rename": lambda who, one: who.patch(f"/instances/{one}", {"title": "Mine"}),
    "log": lambda who, one: who.get(f"/instances/{one}/logs"),
    "share": lambda who, one: who.put(f"/instances/{one}/shares/mara", {"mode": "view"}),
    "unshare": lambda who, one: who.delete(f"/instances/{one}/shares/mara"),
    "put out": lambda who, one: who.delete(f"/instances/{one}/connections/of-mara"),
    "stop": lambda who, one: who.delete(f"/instances/{one}"),
}
GOOD = {"see": 200, "connections": 200, "watch": 201, "work": 201, "rename": 200, "log": 200, "share": 200}
GOOD |= {"unshare": 204, "put out": 204, "stop": 202}
MAY: dict[str, set[str]] = {
    "owner": set(CALLS),
    "control": {"see", "connections", "watch", "work"},
    "view": {"see", "connections", "watch"},
    "admin": {"see", "connections", "log", "put out", "stop"},
    "stranger": set(),
}
WHO = {"owner": "demo", "control": "jun", "view": "jun", "admin": "admin", "stranger": "jun"}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("relation", MAY)
def test_every_call(lab: ApiLab, relation: str, call: str) -> None:
    owner = lab.visitor("demo")
    one = owner.start()
    lab.runs(one)
    owner.put(f"/instances/{one}/shares/mara", {"mode": "control"})
    lab.memory.presence.put(lab.lease(one, "mara", "of-mara"))
    if relation in {"control", "view"}:
        owner.put(f"/instances/{one}/shares/jun", {"mode": relation})
    reply = CALLS[call](lab.visitor(WHO[relation]), one)
    if call in MAY[relation]:
        assert reply.status == GOOD[call], reply.text
        return
    assert (reply.status, reply.slug) == ((404, "not-found") if relation == "stranger" else (403, "not-allowed"))
    entry = lab.memory.audit.entries[-1]
    assert (entry.who, entry.target, entry.outcome) == (WHO[relation], one, reply.slug)


def test_a_guest_may_leave_and_close_her_own_connection(lab: ApiLab) -> None:
    owner = lab.visitor("demo")
    one = owner.start()
    lab.runs(one)
    owner.put(f"/instances/{one}/shares/jun", {"mode": "view"})
    lab.memory.presence.put(lab.lease(one, "jun", "of-jun", "view"))
    guest = lab.visitor("jun")
    assert guest.delete(f"/instances/{one}/connections/of-jun").status == 204
    assert guest.delete(f"/instances/{one}/shares/jun").status == 204
    assert guest.get(f"/instances/{one}").status == 404


def test_an_admin_with_a_share_may_open_and_still_stop(lab: ApiLab) -> None:
    owner = lab.visitor("demo")
    one = owner.start()
    lab.runs(one)
    admin = lab.visitor("admin")
    assert admin.post(f"/instances/{one}/connections", {"mode": "view"}).status == 403
    owner.put(f"/instances/{one}/shares/admin", {"mode": "view"})
    assert admin.get(f"/instances/{one}").json["my_access"] == "view"
    assert admin.post(f"/instances/{one}/connections", {"mode": "view"}).status == 201
    assert admin.post(f"/instances/{one}/connections", {"mode": "control"}).status == 403
    assert admin.delete(f"/instances/{one}").status == 202


@pytest.mark.parametrize(
    ("person", "mode", "access"),
    [
        (DEMO, None, Access.OWNER),
        (JUN, Mode.CONTROL, Access.CONTROL),
        (JUN, Mode.VIEW, Access.VIEW),
        (JUN, None, None),
        (ADMIN, None, Access.ADMIN),
        (ADMIN, Mode.CONTROL, Access.CONTROL),
    ],
)
def test_access(person: Person, mode: Mode | None, access: Access | None) -> None:
    shares = (Share(Username(person.username), person.name, mode, 0.0),) if mode else ()
    assert access_of(queued(shares=shares), person) is access
    assert bool(rights_of(queued(shares=shares), person)) == (access is not None)


def test_nobody_but_the_owner_may_everything() -> None:
    everything = frozenset(Right)
    assert rights_of(queued(), DEMO) == everything
    assert rights_of(queued(), ADMIN) < everything
    assert not rights_of(queued(), ADMIN) & {Right.OPEN_VIEW, Right.OPEN_CONTROL, Right.SHARE, Right.EDIT}


@pytest.mark.parametrize("path", ["/nodes", "/nodes/local", "/audit", "/scheduler/policy", "/instances?scope=all"])
def test_admins_alone(lab: ApiLab, path: str) -> None:
    assert lab.visitor("admin").get(path).status == 200
    refused = lab.visitor("demo").get(path)
    assert (refused.status, refused.slug) == (403, "not-allowed")
