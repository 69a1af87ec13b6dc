"""How an instance is told: sentences, places in line, failures, ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from asci_api.domain.environment import GpuNeed, GpuShare, Needs
from asci_api.domain.identity import InstanceId, NodeName, Username
from asci_api.domain.instance import Failure, Hop, Instance, Placement, Progress, Share, State, StopRequest
from asci_api.work.moments import moment
from asci_api.work.present_instance import Surroundings, present_instance, shown_state
from asci_shared.redis_contract import Lease, Mode
from tests.support.people import ADMIN, DEMO, JUN, queued

NOW = 1_800_000_000.0
FULL = ("local: needs 2 cores, 0.5 are free",)


def told(instance: Instance, viewer: Any = DEMO, **around: Any) -> dict[str, Any]:
    return present_instance(instance, viewer, Surroundings(now=NOW + 9.06, **around))


def on_node(state: State, progress: Progress | None = None, **facts: Any) -> Instance:
    return replace(queued(), state=state, placement=Placement(NodeName("gpu-07")), progress=progress, **facts)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (1, "You are next in line."),
        (2, "You are 2nd in line."),
        (3, "You are 3rd in line."),
        (4, "You are 4th in line."),
        (11, "You are 11th in line."),
        (12, "You are 12th in line."),
        (13, "You are 13th in line."),
        (21, "You are 21st in line."),
        (112, "You are 112th in line."),
    ],
)
def test_the_queue(place: int, sentence: str) -> None:
    one = told(queued(reasons=FULL), places={InstanceId("abcdefghij"): place})
    assert one["progress"]["message"] == sentence
    assert one["queue"] == {"place": place, "reasons": list(FULL), "since": moment(queued().state_since)}


@pytest.mark.parametrize(
    ("instance", "step", "sentence"),
    [
        (queued(), 1, "Looking for a place."),
        (on_node(State.PLACED), 1, "A place is found on node gpu-07."),
        (on_node(State.PULLING), 2, "Pulling the image on node gpu-07."),
        (on_node(State.STARTING), 4, "Starting the desktop on node gpu-07."),
        (on_node(State.PULLING, Progress(2, "Pulling, 42 %", 42)), 2, "Pulling, 42 %"),
    ],
)
def test_the_sentence_of_a_wait(instance: Instance, step: int, sentence: str) -> None:
    progress = told(instance)["progress"]
    assert (progress["step"], progress["of"], progress["message"]) == (step, 4, sentence)
    assert progress["seconds"] == 9.1


def test_the_steps_of_a_start() -> None:
    instance = on_node(State.STARTING, Progress(3, "Mounting.", None, (0.12, 3.0), NOW))
    progress = told(instance, usual={"desktop": 25.04})["progress"]
    assert progress["usual_seconds"] == 25.0
    assert progress["steps"] == [
        {"name": "Place found", "state": "done", "seconds": 0.1},
        {"name": "Image", "state": "done", "seconds": 3.0},
        {"name": "Home folder and data", "state": "now", "seconds": None},
        {"name": "Desktop", "state": "ahead", "seconds": None},
    ]


@pytest.mark.parametrize("state", [State.RUNNING, State.STOPPED, State.FAILED, State.LOST])
def test_no_progress_but_on_the_way(state: State) -> None:
    one = told(on_node(state))
    assert one["progress"] is None
    assert one["queue"] is None


@pytest.mark.parametrize("state", [State.QUEUED, State.STARTING, State.RUNNING, State.LOST])
def test_stopping_from_the_moment_it_is_asked_for(state: State) -> None:
    instance = on_node(state, stop=StopRequest("demo", "Stopped by Demo Scientist.", NOW + 5))
    one = told(instance)
    assert shown_state(instance) is State.STOPPING
    assert (one["state"], one["state_since"]) == ("stopping", moment(NOW + 5))
    assert (one["progress"], one["queue"], one["error"]) == (None, None, None)


def test_the_end_is_told_by_who_asked_for_it() -> None:
    stopped = on_node(
        State.STOPPED,
        stop=StopRequest("demo", "Stopped by Demo Scientist.", NOW),
        end_reason="Stopped by Demo Scientist.",
    )
    assert told(stopped)["end_reason"] == "You stopped it."
    assert told(stopped, ADMIN)["end_reason"] == "Stopped by Demo Scientist."
    assert (
        told(on_node(State.STOPPED, end_reason="Logged out of the desktop."))["end_reason"]
        == "Logged out of the desktop."
    )
    assert told(on_node(State.RUNNING))["end_reason"] is None


def test_a_failure_names_hop_cause_next_step_and_request() -> None:
    failure = Failure(Hop.VNC, "No picture.", "Port 5901.", "Try again.", "f" * 32)
    assert told(on_node(State.FAILED, error=failure))["error"] == {
        "hop": "VNC",
        "cause": "No picture.",
        "detail": "Port 5901.",
        "next_step": "Try again.",
        "request_id": "f" * 32,
    }


def test_a_lost_node_is_told_as_an_error() -> None:
    error = told(on_node(State.LOST))["error"]
    assert (error["hop"], error["cause"]) == ("node", "Node gpu-07 does not answer.")


def test_guests_see_their_own_share_only() -> None:
    mara = Username("mara")
    shares = (Share(JUN.username, JUN.name, Mode.VIEW, 1.0), Share(mara, "Mara", Mode.CONTROL, 2.0, NOW))
    instance = on_node(State.RUNNING, shares=shares)
    assert [one["username"] for one in told(instance)["shares"]] == ["jun", "mara"]
    assert [one["username"] for one in told(instance, ADMIN)["shares"]] == ["jun", "mara"]
    assert told(instance, JUN)["shares"] == [
        {"username": "jun", "name": "Jun Okafor", "mode": "view", "last_seen": None}
    ]
    assert told(instance, JUN)["my_access"] == "view"


def test_who_is_on() -> None:
    lease = Lease("c1", "abcdefghij", "jun", "Jun Okafor", "view", "secret-hash", "p1", NOW, 0.0, 5, 6)
    (one,) = told(on_node(State.RUNNING), presence={InstanceId("abcdefghij"): [lease]})["connections"]
    assert one == {
        "id": "c1",
        "username": "jun",
        "name": "Jun Okafor",
        "mode": "view",
        "since": moment(NOW),
        "last_input": None,
    }


def test_needs_with_gpus() -> None:
    needs = Needs(cpus=4.0, memory=8, gpu=GpuNeed(GpuShare.EXCLUSIVE, 2), selector="gpu")
    assert told(replace(queued(), needs=needs))["needs"] == {
        "cpus": 4.0,
        "memory": 8,
        "gpu": {"mode": "exclusive", "count": 2},
        "selector": "gpu",
    }


def test_times_are_rfc_3339_in_utc() -> None:
    assert moment(1_800_000_000.25) == "2027-01-15T08:00:00.250Z"
    assert moment(None) is None
