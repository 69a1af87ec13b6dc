"""Connecting to engines: versions, and engines that are not there."""

from __future__ import annotations

import gc
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asci_api.domain.errors import EngineAway, EngineFault, ImageMissing, NotFound, PullFailed, Unavailable
from asci_api.domain.identity import InstanceId, NodeName
from asci_api.domain.instance import Hop
from asci_api.domain.node import NodeRegistration
from asci_api.domain.ports import EngineEvent
from asci_api.engine.clients import CLIENTS_OF_A_THREAD, Clients, EngineAddress
from asci_api.engine.container_spec import Homes
from asci_api.engine.desktops import DockerEngine
from asci_api.engine.events import events
from asci_api.engine.nodes import FRESH_SECONDS, LOCAL, RegisteredEngines
from asci_api.engine.tls_folders import TlsFolders
from tests.support.engine_fronts import Answer, scripted_engine, silent_server

NODE = NodeName("node7")
_SILENT = "The registry does not answer node node7."
MARKS = {"org.asci.installation": "unit", "org.asci.instance": "k3v9x2mqab"}


def versions(newest: str, oldest: str) -> Answer:
    return Answer({"Version": "x", "ApiVersion": newest, "MinAPIVersion": oldest})


def engine_at(url: str) -> DockerEngine:
    return DockerEngine(Clients(EngineAddress(NODE, url), seconds=1), "unit", Homes("/homes"))


@pytest.mark.parametrize(
    ("newest", "oldest", "spoken"), [("1.41", "1.12", "1.41"), ("1.45", "1.24", "1.45"), ("1.52", "1.44", "1.45")]
)
def test_the_lower_of_both_maxima_is_spoken(newest: str, oldest: str, spoken: str) -> None:
    with scripted_engine({"/version": versions(newest, oldest)}) as (url, asked):
        clients = Clients(EngineAddress(NODE, url))
        assert clients.get().api_version == spoken
        assert clients.get() is clients.get()
        assert asked == ["/version"]
        clients.close()


def test_a_thread_keeps_few_clients_and_the_last_used() -> None:
    with scripted_engine({"/version": versions("1.41", "1.12")}) as (url, _):
        nodes = [Clients(EngineAddress(NodeName(f"n{at}"), url)) for at in range(CLIENTS_OF_A_THREAD + 1)]
        first, second = nodes[0].get(), nodes[1].get()
        for each in nodes[2:-1]:
            each.get()
        assert nodes[0].get() is first
        nodes[-1].get()
        assert nodes[0].get() is first
        assert nodes[1].get() is not second
        for each in nodes:
            each.close()


@pytest.mark.parametrize(("newest", "oldest"), [("1.40", "1.12"), ("1.60", "1.50")])
def test_an_engine_too_old_or_too_new_is_named(newest: str, oldest: str) -> None:
    with scripted_engine({"/version": versions(newest, oldest)}) as (url, _), pytest.raises(EngineFault) as fault:
        Clients(EngineAddress(NODE, url)).get()
    assert fault.value.hop is Hop.NODE
    assert newest in fault.value.detail
    assert fault.value.next_step
    assert not fault.value.transient


def test_each_thread_has_its_own_client_and_the_version_is_asked_once() -> None:
    with scripted_engine({"/version": versions("1.41", "1.12")}) as (url, asked):
        clients = Clients(EngineAddress(NODE, url))
        found = [clients.get()]
        thread = threading.Thread(target=lambda: found.append(clients.get()))
        thread.start()
        thread.join()
        assert found[0] is not found[1]
        assert asked == ["/version"]
        clients.close()


def test_after_an_upgrade_the_new_version_is_spoken() -> None:
    with scripted_engine({"/version": versions("1.41", "1.12")}) as (url, _):
        clients = Clients(EngineAddress(NODE, url))
        before = clients.get()
        clients.learn({"ApiVersion": "1.52", "MinAPIVersion": "1.44"})
        assert clients.get() is not before
        assert clients.get().api_version == "1.45"
        clients.close()


CALLS: list[Callable[[DockerEngine], Any]] = [
    lambda engine: engine.facts(),
    lambda engine: engine.observe(),
    lambda engine: engine.stop("a", 1.0),
    lambda engine: engine.pull("a:1", lambda _: None),
    lambda engine: next(engine.events()),
]


@pytest.fixture
def sdk_sockets() -> Iterator[None]:
    """The SDK leaves the socket of a refused connection to the garbage collector."""
    yield
    gc.collect()


@pytest.mark.usefixtures("sdk_sockets")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("call", range(len(CALLS)))
def test_nobody_at_the_socket_is_an_engine_away(call: int, tmp_path: Path) -> None:
    with pytest.raises(EngineAway) as fault:
        CALLS[call](engine_at(f"unix://{tmp_path}/nobody.sock"))
    assert "node7" in fault.value.title
    assert "No such file" in fault.value.detail


@pytest.mark.usefixtures("sdk_sockets")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("call", range(len(CALLS)))
def test_a_server_that_never_answers_is_an_engine_away_in_time(call: int) -> None:
    with silent_server() as url:
        engine, before = engine_at(url), time.monotonic()
        with pytest.raises(EngineAway) as fault:
            CALLS[call](engine)
        assert time.monotonic() - before < 5
        assert "timed out" in fault.value.detail
        engine.close()


@pytest.mark.parametrize("body", [["not", "an", "engine"], {"ApiVersion": "one"}, {}])
def test_something_else_at_the_address_is_an_engine_away(body: Any) -> None:
    with scripted_engine({"/version": Answer(body)}) as (url, _), pytest.raises(EngineAway):
        Clients(EngineAddress(NODE, url)).get()


def layer(status: str, layer_id: str, current: int = 0, total: int = 0) -> dict[str, Any]:
    return {"status": status, "id": layer_id, "progressDetail": {"current": current, "total": total}}


def test_a_pull_tells_percent_that_never_falls() -> None:
    lines = [
        {"status": "Pulling from asci/x", "id": "1"},
        layer("Pulling fs layer", "a"),
        layer("Downloading", "a", 50, 100),
        layer("Downloading", "a", 100, 100),
        layer("Downloading", "b", 0, 300),
        layer("Download complete", "a"),
        layer("Extracting", "a", 100, 100),
        layer("Pull complete", "a"),
        layer("Download complete", "b"),
        layer("Extracting", "b", 150, 300),
        layer("Pull complete", "b"),
        {"status": "Digest: sha256:0"},
    ]
    script = {"/version": versions("1.41", "1.12"), "/images/create": Answer(lines, lines=True)}
    told: list[int | None] = []
    with scripted_engine(script) as (url, asked):
        engine = engine_at(url)
        engine.pull("registry:5000/asci/x:1", told.append)
        engine.close()
    assert told[0] is None
    assert told[-1] == 100
    percents = [percent for percent in told if percent is not None]
    assert percents == sorted(percents)
    assert 25 in percents
    assert "fromImage=registry%3A5000%2Fasci%2Fx" in asked[-1]


@pytest.mark.parametrize(
    "answer",
    [
        Answer([layer("Downloading", "a", 1, 2), {"errorDetail": {"message": "gone"}, "error": "gone"}], lines=True),
        Answer({"message": "gone"}, 404),
        Answer({"message": "gone"}, 500),
    ],
)
def test_a_pull_that_fails_on_the_way_is_a_missing_image(answer: Answer) -> None:
    with scripted_engine({"/version": versions("1.41", "1.12"), "/images/create": answer}) as (url, _):
        engine = engine_at(url)
        with pytest.raises(ImageMissing) as fault:
            engine.pull("asci/x:1", lambda _: None)
        engine.close()
    assert "gone" in fault.value.detail


def test_engines_are_found_by_name_connect_to_nothing_before_and_come_and_go(tmp_path: Path) -> None:
    now = 0.0
    built_in = NodeRegistration(LOCAL, "unix:///nobody.sock")
    remote = NodeRegistration(NODE, "tcp://192.0.2.9:2376", publish="192.0.2.9", tls="site")
    told: list[NodeRegistration] = []
    away = True

    def registered() -> list[NodeRegistration]:
        if away:
            raise Unavailable("no records")
        return told

    engines = RegisteredEngines("unit", Homes("/homes"), registered, TlsFolders(tmp_path).files, clock=lambda: now)
    with pytest.raises(Unavailable):
        engines.names()
    away, told = False, [built_in]
    assert engines.names() == [LOCAL]
    before = engines.get(LOCAL)
    told = [built_in, remote]
    with pytest.raises(NotFound):
        engines.get(NODE)
    now += FRESH_SECONDS
    assert engines.names() == [LOCAL, NODE]
    assert engines.get(LOCAL) is before
    assert engines.get(NODE).node == NODE
    with pytest.raises(EngineAway) as missing:
        engines.get(NODE).facts()
    assert "TLS" in missing.value.detail
    now, away = now + FRESH_SECONDS, True
    assert engines.names() == [LOCAL, NODE]
    now, away, told = now + FRESH_SECONDS, False, [replace(remote, publish="192.0.2.10")]
    assert engines.registrations() == {NODE: told[0]}
    with pytest.raises(NotFound):
        engines.get(LOCAL)
    engines.close()


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", "Node node7 has no space left for the image."),
        ('Get "https://lab:5000/v2/": dial tcp 10.0.0.1:5000: connect: connection refused', _SILENT),
        ('Get "https://lab:5000/v2/": x509: certificate signed by unknown authority', _SILENT),
        ('Get "https://lab:5000/v2/": context deadline exceeded', _SILENT),
    ],
)
@pytest.mark.parametrize("status", [200, 500])
def test_a_pull_says_what_stood_in_its_way(said: str, cause: str, status: int) -> None:
    answer = Answer({"error": said} if status == 200 else {"message": said}, status)
    with scripted_engine({"/version": versions("1.41", "1.12"), "/images/create": answer}) as (url, _):
        engine = engine_at(url)
        with pytest.raises(PullFailed) as fault:
            engine.pull("lab:5000/x@sha256:7", lambda _: None)
        engine.close()
    assert (fault.value.title, fault.value.detail, fault.value.hop) == (cause, said, Hop.IMAGE)


def test_a_stream_of_events_that_falls_silent_ends() -> None:
    event = {"Type": "container", "Action": "die", "Actor": {"Attributes": MARKS}}
    line = json.dumps(event).encode() + b"\n"
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(line), line)
    done = threading.Event()

    def serve() -> None:
        with listener.accept()[0] as client:
            client.recv(4096)
            client.sendall(said)
            done.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        clients = Clients(EngineAddress(NODE, f"tcp://127.0.0.1:{listener.getsockname()[1]}"))
        clients.learn({"ApiVersion": "1.41"})
        before = time.monotonic()
        told = list(events(clients, "unit", silence=0.5))
        took = time.monotonic() - before
        done.set()
        thread.join()
        clients.close()
    assert told == [EngineEvent("container", "die", InstanceId("k3v9x2mqab"))]
    assert 0.4 < took < 8
