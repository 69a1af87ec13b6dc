"""JSON in and out keeps every domain object as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asci_api.domain.audit import AuditEntry
from asci_api.domain.decision import Decision
from asci_api.domain.environment import Environment, EnvironmentSwitch, GpuNeed, GpuShare, Needs
from asci_api.domain.identity import Person, Quota
from asci_api.domain.instance import Failure, Generations, Hop, Instance, Progress, Share, State, StopRequest
from asci_api.domain.node import Node, NodeOverlay, NodeRegistration, Resources
from asci_api.domain.policy import Policy
from asci_api.domain.ports import Remembered
from asci_api.domain.stats import StatsSample
from asci_api.store import codec
from asci_api.store.instances import read_document, read_log, write_document, write_log
from asci_shared.redis_contract import Lease, Mode, Revocation, Ring, Ticket, TokenRecord
from tests.support.people import queued

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
number = st.floats(allow_nan=False, allow_infinity=False)
for plain, strategy in ((str, text), (float, number)):
    st.register_type_strategy(plain, strategy)

KINDS = [
    Instance,
    Environment,
    Node,
    Policy,
    Person,
    AuditEntry,
    Remembered,
    Failure,
    Progress,
    StopRequest,
    Share,
    Generations,
    Needs,
    GpuNeed,
    Quota,
    Resources,
    NodeRegistration,
    NodeOverlay,
    EnvironmentSwitch,
    Decision,
    StatsSample,
    TokenRecord,
    Ticket,
    Lease,
    Revocation,
    Ring,
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@few
@given(data=st.data())
def test_reading_gives_what_was_written(kind: type[Any], data: st.DataObject) -> None:
    thing = data.draw(st.from_type(kind))
    again = codec.decode(kind, codec.encode(thing))
    assert again == thing
    assert repr(again) == repr(thing)


@few
@given(things=st.lists(st.from_type(Environment), max_size=3))
def test_lists_come_back_too(things: list[Environment]) -> None:
    assert codec.decode_all(Environment, codec.encode(things)) == things


@few
@given(instance=st.from_type(Instance))
def test_a_document_and_its_log_are_the_instance(instance: Instance) -> None:
    document = write_document(instance, "7.abcd")
    found = read_document(document, write_log(instance.log) if instance.log else None)
    assert found.instance == instance
    assert found.version == "7.abcd"


def test_fields_of_a_newer_version_are_ignored_at_every_depth() -> None:
    instance = queued(needs=Needs(gpu=GpuNeed(GpuShare.SHARED, 1)), shares=(Share("jun", "Jun", Mode.VIEW, 1.0),))  # type: ignore[arg-type]
    fields = json.loads(codec.encode(instance))
    fields["colour"] = "blue"
    fields["needs"]["disk"] = 5
    fields["needs"]["gpu"]["model"] = "L4"
    fields["shares"][0]["until"] = 9.0
    assert codec.decode(Instance, json.dumps(fields)) == instance


def test_fields_that_an_older_version_did_not_know_take_their_defaults() -> None:
    instance = queued()
    fields = json.loads(codec.encode(instance))
    for name in ("log", "dismissed", "generations", "lost_since"):
        del fields[name]
    assert codec.decode(Instance, json.dumps(fields)) == instance


def test_enums_and_tuples_are_what_they_were_not_only_equal() -> None:
    failure = Failure(Hop.GPU, "c", "d", "n", "r")
    instance = queued(groups=(("xfm", 5000),), state=State.FAILED, error=failure)
    again = codec.decode(Instance, codec.encode(instance))
    assert isinstance(again.state, State)
    assert again.error is not None
    assert isinstance(again.error.hop, Hop)
    assert isinstance(again.groups, tuple)
    assert isinstance(again.groups[0], tuple)


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"id": 5}', "null", '"text"', b"\xff"])
def test_what_is_no_instance_is_refused(document: str | bytes) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        codec.decode(Instance, document)


def test_a_long_log_is_small() -> None:
    lines = [f"2026-11-23T10:00:{number % 60:02} Xvnc: a line of two hundred or so" for number in range(200)]
    packed = write_log(lines)
    assert read_log(packed) == lines
    assert len(packed) < 2000
