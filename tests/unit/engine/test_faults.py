"""The one translation of the SDK's errors: statuses decide, the engine's words only inform."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
import requests
import urllib3
from docker.errors import APIError, DockerException, ImageNotFound
from docker.errors import NotFound as SdkNotFound

from asci_api.domain.errors import EngineAway, EngineFault, ImageMissing, SourceMissing
from asci_api.domain.identity import NodeName
from asci_api.domain.instance import Hop
from asci_api.engine.faults import status_of, translated

HOME, DATA = "/srv/homes/mara", "/srv/homes/mara/data"
NODE = NodeName("node7")


def refusal(status: int, words: str, kind: type[APIError] = APIError) -> APIError:
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps({"message": words}).encode()
    return kind(f"{status} error", response=response, explanation=words)


def told(error: Exception, *, image: str = "", sources: Sequence[str] = ()) -> EngineFault:
    with (
        pytest.raises(EngineFault) as fault,
        translated(NODE, Hop.CONTAINER, "It could not be.", image=image, sources=sources),
    ):
        raise error
    return fault.value


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectionError("refused"),
        requests.ReadTimeout("timed out"),
        requests.exceptions.SSLError("bad certificate"),
        urllib3.exceptions.ProtocolError("cut", ConnectionResetError(104, "reset")),
        ConnectionRefusedError(111, "refused"),
        TimeoutError("timed out"),
        DockerException("Error while fetching server API version"),
        requests.exceptions.JSONDecodeError("no", "x", 0),
    ],
)
def test_no_answer_is_an_engine_away(error: Exception) -> None:
    fault = told(error, image="x", sources=[HOME])
    assert isinstance(fault, EngineAway)
    assert fault.hop is Hop.NODE
    assert fault.transient
    assert fault.detail
    assert status_of(fault) == 0


def test_the_innermost_reason_is_told() -> None:
    inner = urllib3.exceptions.ProtocolError("Connection aborted.", FileNotFoundError(2, "No such file or directory"))
    assert told(requests.ConnectionError(inner)).detail == "FileNotFoundError: [Errno 2] No such file or directory"


@pytest.mark.parametrize(
    ("error", "kind", "hop", "transient"),
    [
        (refusal(404, "No such image: x", ImageNotFound), ImageMissing, Hop.IMAGE, False),
        (refusal(404, "kein Abbild", SdkNotFound), ImageMissing, Hop.IMAGE, False),
        (refusal(400, f"bind source path does not exist: {HOME}"), SourceMissing, Hop.MOUNT, False),
        (refusal(400, f"stat {HOME}: permission denied"), EngineFault, Hop.MOUNT, False),
        (refusal(400, "invalid hostname does not exist"), EngineFault, Hop.CONTAINER, False),
        (refusal(500, f"bind source path does not exist: {HOME}"), EngineFault, Hop.CONTAINER, True),
        (refusal(409, "Conflict. The name is taken"), EngineFault, Hop.CONTAINER, False),
        (refusal(500, "driver failed"), EngineFault, Hop.CONTAINER, True),
        (refusal(503, "not ready"), EngineFault, Hop.CONTAINER, True),
    ],
)
def test_a_refusal_by_its_status(error: APIError, kind: type[EngineFault], hop: Hop, transient: bool) -> None:
    fault = told(error, image="asci/x:1", sources=[HOME])
    assert type(fault) is kind
    assert (fault.hop, fault.transient) == (hop, transient)
    assert error.response is not None
    assert status_of(fault) == error.response.status_code
    assert fault.title
    assert fault.next_step


def test_without_an_image_404_is_what_the_caller_says() -> None:
    fault = told(refusal(404, "No such container: a", SdkNotFound))
    assert (type(fault), fault.title, fault.detail) == (EngineFault, "It could not be.", "No such container: a")


@pytest.mark.parametrize("missing", [HOME, DATA])
def test_the_missing_source_is_the_longest_that_is_named(missing: str) -> None:
    fault = told(refusal(400, f"bind source path does not exist: {missing}"), sources=[DATA, HOME])
    assert isinstance(fault, SourceMissing)
    assert fault.source == missing


def test_own_faults_pass_and_strangers_too() -> None:
    own = EngineFault(Hop.MOUNT, "Ours.")
    assert told(own) is own
    with pytest.raises(KeyError), translated(NODE, Hop.CONTAINER, "It could not be."):
        raise KeyError("a mistake of our own")


def test_an_endless_explanation_is_cut() -> None:
    assert len(told(refusal(500, "x" * 10_000)).detail) == 400


def test_a_full_disk_is_the_nodes_and_no_second_try_helps() -> None:
    fault = told(refusal(500, "write /var/lib/docker/containers/x: no space left on device"), image="x", sources=[HOME])
    assert (fault.hop, fault.title) == (Hop.NODE, "Node node7 has no space left on its disk.")
    assert not fault.transient
    assert not isinstance(fault, EngineAway)
    assert status_of(fault) == 500
