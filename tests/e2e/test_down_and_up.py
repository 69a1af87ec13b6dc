"""``make down && make up``: homes, accounts and sign-ins stay; what ran is listed as stopped, and starts again."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.support.api_caller import ApiCaller
from tests.support.composed import Installation, docker
from tests.support.edge_viewer import enter
from tests.support.eventually import eventually

CONTENT = "kept over the night"


def test_everything_that_matters_stays(
    installation: Installation, demo: ApiCaller, running_desktop: Callable[[], str]
) -> None:
    name = running_desktop()
    docker("exec", installation.instance(name) or "", "sh", "-c", f"printf '{CONTENT}' >$ASCI_HOME/night.txt")
    demo.request("PATCH", f"/instances/{name}", json={"title": "Over the night"})
    stopping = time.monotonic()
    installation.down()
    print(f"down: {time.monotonic() - stopping:.1f} s")
    label = f"label=org.asci.installation={installation.name}"
    assert not docker("ps", "--quiet", "--filter", label), "something still runs"
    starting = time.monotonic()
    installation.up_again()
    print(f"up again: {time.monotonic() - starting:.1f} s")

    assert demo.get("/me").status_code == 200
    ended = demo.wait_state(name, "stopped", within=30)
    assert ended["end_reason"]
    assert ended["title"] == "Over the night"
    assert installation.instance(name) is None
    assert installation.home_file("demo", "night.txt") == CONTENT
    again = running_desktop()
    assert again != name
    assert docker("exec", installation.instance(again) or "", "cat", "/home/demo/night.txt") == CONTENT
    with enter(demo, again) as viewer:
        viewer.rfb.wait_frame()


def test_nothing_of_ended_sessions_is_left_on_the_engine(installation: Installation, demo: ApiCaller) -> None:
    alive = {one["id"] for one in demo.get("/instances").json()["items"] if one["state"] == "running"}

    def left() -> set[str]:
        template = '{{.Label "org.asci.instance"}}'
        label = f"label=org.asci.installation={installation.name}"
        return set(docker("ps", "--all", "--filter", label, "--format", template).split()) - alive

    eventually(lambda: not left(), within=20, what=f"no container but those of {alive}")
