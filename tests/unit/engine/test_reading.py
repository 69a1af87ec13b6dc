"""What engines send, read: containers, events, frames; and the probe that listens for itself."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from asci_api.domain.environment import Kind
from asci_api.domain.identity import InstanceId
from asci_api.domain.instance import Endpoint, Generations
from asci_api.domain.ports import EngineEvent
from asci_api.engine import exec_write, observed
from asci_api.engine.events import read_event
from asci_api.engine.readiness import Probe
from asci_shared.passwords import upstream_secret
from tests.support.instances import an_instance

KEY = b"k" * 32
MINE = {"org.asci.installation": "xfm", "org.asci.instance": "k3v9x2mqab"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23T23:18:22.767912345Z", 1795475902.767912),
        ("2026-11-23T23:18:22Z", 1795475902.0),
        ("2026-11-24T00:18:22.5+01:00", 1795475902.5),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_the_engines_times(text: str, seconds: float | None) -> None:
    assert observed.unix_time(text) == seconds


def entry(**changes: Any) -> dict[str, Any]:
    base = {"Id": "c1", "Names": ["/asci-xfm-x"], "Labels": MINE, "State": "running", "Created": 5, "ImageID": "i", "Ports": []}  # fmt: skip  # noqa: E501
    return {**base, **changes}


@pytest.mark.parametrize(
    ("ports", "endpoint"),
    [
        ([], None),
        ([{"PrivatePort": 5901, "Type": "tcp"}], None),
        ([{"IP": "10.0.0.1", "PrivatePort": 5901, "PublicPort": 32768}], Endpoint("10.0.0.1", 32768)),
        ([{"IP": "::", "PublicPort": 1}, {"IP": "10.0.0.1", "PublicPort": 2}], Endpoint("10.0.0.1", 2)),
    ],
)
def test_a_listed_container(ports: list[dict[str, Any]], endpoint: Endpoint | None) -> None:
    found = observed.from_list(entry(Ports=ports))
    assert (found.container, found.name, found.instance) == ("c1", "asci-xfm-x", "k3v9x2mqab")
    assert found.endpoint == endpoint


def test_a_listed_container_that_is_being_removed_has_no_name() -> None:
    assert observed.from_list(entry(Names=None, State="removing", Ports=None)).name == ""


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (("container", "die", MINE), EngineEvent("container", "die", InstanceId("k3v9x2mqab"))),
        (("container", "die", {**MINE, "org.asci.installation": "other"}), None),
        (("container", "die", {"org.asci.installation": "xfm"}), None),
        (("container", "start", {}), None),
        (("image", "tag", {"org.asci.environment": "{}"}), EngineEvent("image", "tag", None)),
        (("image", "tag", {"org.asci.environment": "{}", "org.asci.installation": "other"}), None),
        (("image", "tag", {"name": "busybox"}), None),
        (("image", "delete", {"name": "sha256:0"}), EngineEvent("image", "delete", None)),
        (("network", "create", MINE), None),
    ],
)
def test_events_of_this_installation(message: tuple[str, str, dict[str, str]], event: EngineEvent | None) -> None:
    kind, action, marks = message
    assert read_event({"Type": kind, "Action": action, "Actor": {"Attributes": marks}}, "xfm") == event


@pytest.mark.parametrize("message", [{}, {"Type": "container"}, {"Type": "image", "Action": "tag", "Actor": None}])
def test_half_an_event_is_none(message: dict[str, Any]) -> None:
    assert read_event(message, "xfm") is None


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        (b"", ""),
        (b"\x02\0\0\0\0\0\0\x05sorry", "sorry"),
        (b"\x01\0\0\0\0\0\0\x03one\x02\0\0\0\0\0\0\x03two", "onetwo"),
        (b"\x02\0\0\0\0\0\0\xffcut", "cut"),
        (b"\x02\0\0", ""),
    ],
)
def test_output_of_a_program_is_taken_out_of_its_frames(frames: bytes, text: str) -> None:
    assert exec_write._text(frames) == text


@contextmanager
def server(*says: bytes, pause: float = 0.0, hear: bool = False) -> Iterator[Endpoint]:
    """Says its parts to whoever comes, then closes."""

    def serve() -> None:
        with listener.accept()[0] as client:
            if hear:
                client.recv(4096)
            for part in says:
                client.sendall(part)
                time.sleep(pause)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield Endpoint("127.0.0.1", listener.getsockname()[1])
        thread.join()


@pytest.mark.parametrize(
    ("says", "ready"),
    [
        ((b"RFB 003.008\n",), True),
        ((b"RFB 003.003\n",), True),
        ((b"RFB", b" 003.0", b"08\n"), True),
        ((b"RFB 003.00",), False),
        ((b"HTTP/1.1 200",), False),
        ((b"SSH-2.0-OpenSSH_9",), False),
        ((), False),
    ],
)
def test_a_desktop_is_ready_at_its_banner(says: tuple[bytes, ...], ready: bool) -> None:
    with server(*says, pause=0.01) as endpoint:
        assert Probe(KEY).ready(an_instance(kind=Kind.DESKTOP), endpoint) is ready


@pytest.mark.parametrize(
    ("answer", "ready"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 302 Found\r\nLocation: /lab\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 503 Starting\r\nContent-Length: 0\r\n\r\n", False),
        (b"RFB 003.008\n", False),
        (b"", False),
    ],
)
def test_a_web_application_is_ready_at_its_answer(answer: bytes, ready: bool) -> None:
    with server(answer, hear=True) as endpoint:
        assert Probe(KEY).ready(an_instance(kind=Kind.WEB, ready_path="/lab"), endpoint) is ready


def test_a_web_application_is_asked_with_its_secret() -> None:
    heard: list[bytes] = []
    web = an_instance(kind=Kind.WEB, ready_path="/lab", generations=Generations(control=3))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as client:
                heard.append(client.recv(4096))
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        assert Probe(KEY).ready(web, Endpoint("127.0.0.1", listener.getsockname()[1]))
        thread.join()
    assert heard[0].startswith(b"GET /lab HTTP/1.1\r\n")
    assert f"X-ASCI-Upstream: {upstream_secret(KEY, web.id, 3)}\r\n".encode() in heard[0]


def test_a_service_is_ready_when_its_port_is_open_or_it_has_none() -> None:
    with server() as endpoint:
        assert Probe(KEY).ready(an_instance(kind=Kind.SERVICE, port=80), endpoint)
    assert not Probe(KEY).ready(an_instance(kind=Kind.SERVICE, port=80), endpoint)
    assert Probe(KEY).ready(an_instance(kind=Kind.SERVICE, port=0), endpoint)


def test_silence_is_not_ready_and_takes_no_longer_than_promised() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = Endpoint("127.0.0.1", listener.getsockname()[1])
        for kind in (Kind.DESKTOP, Kind.WEB):
            before = time.monotonic()
            assert not Probe(KEY).ready(an_instance(kind=kind), endpoint)
            assert time.monotonic() - before < 3
