"""A cluster of the run's own (``scripts/test chaos``), with live desktops on it; evidence when a test fails.

Like the whole-system tests, these import nothing from the services. What a test must find at its end is the contract's
line about losses: no running desktop ended, and no byte that flowed was cut but by the loss of its own node, proxy or
edge.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_caller import ApiCaller
from tests.support.composed import Installation
from tests.support.eventually import eventually
from tests.support.lab import Alive, Lab
from tests.support.live_stream import LiveStream
from tests.support.secrets_seen import SecretsSeen

HERE = Path(__file__).parent
STORY = ("test_lab", "test_control_plane", "test_upgrade", "test_nodes", "test_many_starts", "test_cluster_down")
SMALL = {"cpus": 0.5, "memory": "512 MiB", "shm": "128 MiB", "tmp": "128 MiB"}
EVIDENCE_FOR = 2
_evidence_given: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return STORY.index(item.path.stem) if item.path.parent == HERE else -1

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    installation = getattr(item, "funcargs", {}).get("installation")
    if report.failed and installation is not None and len(_evidence_given) < EVIDENCE_FOR:
        _evidence_given.append(item.nodeid)
        report.sections.append(("the installation", installation.evidence()))
    return report


@pytest.fixture(scope="session")
def secrets_seen() -> SecretsSeen:
    return SecretsSeen()


@pytest.fixture(scope="session")
def installation(secrets_seen: SecretsSeen) -> Iterator[Installation]:
    state = os.environ.get("ASCI_TEST_STATE", "")
    if not state or not (Path(state) / "cluster" / "lab.env").exists():
        pytest.skip("there is no cluster to break: scripts/test chaos makes one for this")
    one = Installation.standing(secrets_seen, Path(state).resolve(), behind_door=False)
    yield one
    one.clean()


@pytest.fixture(scope="session")
def lab(installation: Installation) -> Lab:
    return Lab(installation)


@pytest.fixture(scope="session")
def calls(installation: Installation, secrets_seen: SecretsSeen) -> Iterator[Callable[[str], ApiCaller]]:
    """``calls("admin")``: her API calls, signed in once."""
    callers: dict[str, ApiCaller] = {}

    def of(username: str) -> ApiCaller:
        if username not in callers:
            password = installation.password(username)
            callers[username] = ApiCaller.signed_in(installation.url, secrets_seen, username, password)
        return callers[username]

    yield of
    for caller in callers.values():
        caller.close()


@pytest.fixture(scope="session")
def demo(calls: Callable[[str], ApiCaller]) -> ApiCaller:
    return calls("demo")


@pytest.fixture(scope="session")
def admin(calls: Callable[[str], ApiCaller]) -> ApiCaller:
    return calls("admin")


@pytest.fixture(scope="session")
def environments(lab: Lab, demo: ApiCaller, admin: ApiCaller) -> None:
    """Desktops for one node each: here, far, card; and room for them in demo's quota."""
    for name, needs in (
        ("here", {"selector": "!rack"}),
        ("far", {"selector": "rack=node2"}),
        ("card", {"selector": "rack=gpu-1", "gpu": {"share": "exclusive", "count": 2}}),
    ):
        lab.add_desktop({"name": name, "needs": SMALL | needs})
    policy = admin.get("/scheduler/policy").json()
    policy["quotas"]["people"]["demo"] = {"sessions": 600, "gpus": 8}
    policy.pop("revision", None)
    answer = admin.put("/scheduler/policy", policy)
    assert answer.status_code == 200, answer.text
    for name in ("here", "far", "card"):
        wait_environment(demo, name)


def wait_environment(caller: ApiCaller, name: str) -> None:
    """Until the catalogue lists it as the registry's; while it was built this machine's engine had it for a moment."""

    def listed() -> bool:
        images = {one["name"]: str(one["image"]) for one in caller.get("/environments").json()["items"]}
        return ":5000/" in images.get(name, "")

    eventually(listed, within=60, what=f"environment {name} in the catalogue", pause=0.5)


class Live:
    """Desktops that run, each with a stream that flows, and what they were when the test began."""

    def __init__(self, demo: ApiCaller, lab: Lab, desktops: dict[str, str]) -> None:
        self.desktops = desktops
        self._demo, self._lab = demo, lab
        self.lives: dict[str, Alive] = {node: lab.alive(node, name) for node, name in desktops.items()}
        self.streams: dict[str, LiveStream] = {node: LiveStream(demo, name) for node, name in desktops.items()}

    def assert_flow(self, why: str, *nodes: str) -> None:
        """The streams of these nodes (none named: all) were never cut and go on."""
        for node in nodes or self.streams:
            self.streams[node].assert_flows(f"{why}, desktop on {node}")

    def assert_nothing_ended(self) -> None:
        """Every desktop lives the life that it lived at the beginning, and the records say so."""
        for node, name in self.desktops.items():
            assert self._lab.alive(node, name) == self.lives[node]
            self._demo.wait_state(name, "running", within=20)

    def watch_again(self, node: str) -> LiveStream:
        """A new stream in the place of one that was cut."""
        self.streams[node].close()
        self.streams[node] = LiveStream(self._demo, self.desktops[node])
        return self.streams[node]

    def forget(self, node: str) -> None:
        """The desktop of this node went with it, as the test wanted."""
        self.streams.pop(node).close()
        del self.desktops[node], self.lives[node]

    def forget_streams(self) -> None:
        """They were cut, as the test wanted; new ones take their place."""
        for node in self.desktops:
            self.watch_again(node)

    def close(self) -> None:
        for stream in self.streams.values():
            stream.close()


@pytest.fixture(scope="session")
def running(environments: None, demo: ApiCaller) -> Callable[[str], str]:
    """``running("far")``: demo's desktop of that environment, started when first asked for or after the last ended."""
    started: dict[str, str] = {}
    demo.stop_all()  # of a run before, where somebody kept the installation

    def one(environment: str) -> str:
        known = started.get(environment)
        if known is None or demo.instance(known)["state"] not in {"running", "lost"}:
            started[environment] = demo.start(environment, geometry="800x600")["id"]
        demo.wait_state(started[environment], "running", within=120)
        return started[environment]

    return one


@pytest.fixture
def live(running: Callable[[str], str], demo: ApiCaller, lab: Lab) -> Iterator[Live]:
    """A desktop here and one on a node, with streams. At the test's end both live and flow."""
    both = Live(demo, lab, {"local": running("here"), "node2": running("far")})
    try:
        yield both
        both.assert_flow("at the end")
        both.assert_nothing_ended()
    finally:
        both.close()
