"""Click on Start to a complete desktop in the browser, beside a bare ``docker run`` of the image to the same picture.

Both sides: the same image, home, geometry, limits and user (read from ASCI's own container), the same criterion of
completeness, the first moment at which it holds. The rounds alternate: what else happens on the machine meets both.
"""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.load.canvas_watch import CLICKED, COMPLETE, WATCH
from tests.load.numbers import Figure, median_of
from tests.load.room import Room
from tests.support.browser import Visitor
from tests.support.composed import docker, inspect
from tests.support.desktop_picture import missing_parts
from tests.support.eventually import eventually
from tests.support.rfb_client import RfbClient, RfbError

LABEL = "org.asci.trial=bench"


@dataclass(frozen=True)
class Recipe:
    """How a desktop is run, as arguments of ``docker run``."""

    arguments: tuple[str, ...]
    image: str

    @classmethod
    def of(cls, container: str) -> Recipe:
        """The recipe of a container that ASCI started."""
        facts = inspect(container)
        host, config = facts["HostConfig"], facts["Config"]
        return cls((*_walls(host), *_limits(host), *_person(host, config)), facts["Image"])


def _walls(host: dict[str, Any]) -> list[str]:
    options = [f"--cap-drop={name}" for name in host["CapDrop"]]
    options += [f"--security-opt={option}" for option in host["SecurityOpt"]]
    options += [f"--tmpfs={path}:{how}" for path, how in host["Tmpfs"].items()]
    return [*options, "--read-only", f"--network={host['NetworkMode']}"]


def _limits(host: dict[str, Any]) -> list[str]:
    return [
        f"--memory={host['Memory']}",
        f"--memory-swap={host['MemorySwap']}",
        f"--cpus={host['NanoCpus'] / 1e9}",
        f"--pids-limit={host['PidsLimit']}",
        f"--shm-size={host['ShmSize']}",
    ]


def _person(host: dict[str, Any], config: dict[str, Any]) -> list[str]:
    options = [f"--user={config['User']}", f"--hostname={config['Hostname']}"]
    options += [f"--group-add={group}" for group in host["GroupAdd"] or ()]
    options += [f"--env={pair}" for pair in config["Env"] if pair.startswith("ASCI_")]
    mounts = host["Mounts"] or []
    return options + [f"--mount=type=bind,source={m['Source']},target={m['Target']}" for m in mounts]


def bare_start(recipe: Recipe) -> float:
    """Seconds from ``docker run`` to a complete picture, seen by a small viewer; the container is removed."""
    port, password = _free_port(), secrets.token_hex(4)
    publish = f"--publish=127.0.0.1:{port}:5901"
    began = time.monotonic()
    container = docker("run", "--detach", f"--label={LABEL}", publish, *recipe.arguments, recipe.image).strip()
    try:
        _set_passwords(container, password)
        with _connected(port, password) as viewer:
            return _complete_at(viewer) - began
    finally:
        docker("rm", "--force", "--volumes", container)


def _set_passwords(container: str, password: str) -> None:
    """As the controller does; repeated until the container's start has made its folder."""

    def written() -> bool:
        done = subprocess.run(
            ["docker", "exec", "--interactive", container, "asci-set-passwords"],
            input=f"{password}\n{'x' * 8}\n", text=True, capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode == 0

    eventually(written, within=10, what="the passwords", pause=0.02)


def _connected(port: int, password: str) -> RfbClient:
    def enter() -> RfbClient | None:
        try:
            return RfbClient.connect("127.0.0.1", port, password)
        except (OSError, RfbError):
            return None

    return eventually(enter, within=20, what="the desktop's VNC port", pause=0.01)


def _complete_at(viewer: RfbClient) -> float:
    deadline = time.monotonic() + 30
    seen = -1.0
    while time.monotonic() < deadline:
        if viewer.desktop.last_change != seen:
            seen = viewer.desktop.last_change
            if not missing_parts(viewer.desktop.pixels):
                return seen
        viewer.pump(0.005)
    raise TimeoutError(f"no complete desktop: {', '.join(missing_parts(viewer.desktop.pixels))}")


def asci_start(room: Room, window: Visitor) -> tuple[float, str]:
    """Seconds from the click to a complete canvas, and the instance's id; it runs on."""
    window.page.goto("/")
    window.evaluate(f"sessionStorage.removeItem('{COMPLETE}')")
    window.page.wait_for_timeout(1000)
    button = window.page.locator("#e-desktop").get_by_role("button")
    button.hover()
    button.click(no_wait_after=True)

    def done() -> float | None:
        # asked seldom: each question costs the page a little of what is measured
        page_says = window.evaluate(f"[sessionStorage.getItem('{CLICKED}'), sessionStorage.getItem('{COMPLETE}')]")
        clicked, complete = page_says
        return (float(complete) - float(clicked)) / 1000 if complete else None

    def patient() -> float | None:
        window.page.wait_for_timeout(400)
        try:
            return done()
        except RuntimeError:  # between two pages
            return None

    seconds = eventually(patient, within=40, what="a complete desktop in the browser", pause=0)
    picture = window.screen()
    missing = missing_parts(picture) if picture else ["the canvas"]
    assert not missing, f"the page's criterion and the original disagree: {missing}"
    name = window.page.url.rsplit("/", 1)[1]
    return seconds, name


def measure(room: Room, rounds: int) -> list[Figure]:
    """One round on each side to warm up, then ``rounds`` in turns."""
    window = room.visitor()
    window.context.add_init_script(WATCH)
    browser, bare, answers = [], [], []
    recipe: Recipe | None = None
    for number in range(rounds + 1):
        seconds, name = asci_start(room, window)
        recipe = recipe or Recipe.of(room.installation.instance(name) or "")
        answers.append(_until_running(room, name))
        window.page.goto("/help")
        room.demo.stop(name)
        time.sleep(1.0)
        alone = bare_start(recipe)
        time.sleep(1.0)
        if number:
            browser.append(seconds)
            bare.append(alone)
        print(json.dumps({"round": number, "browser": round(seconds, 3), "bare": round(alone, 3)}), flush=True)
    window.close()
    left, right = median_of("", browser, "s"), median_of("", bare, "s")
    ratio = left.value / right.value
    return [
        median_of("click Start to a complete desktop in the browser", browser, "s"),
        median_of("bare docker run to the same picture", bare, "s"),
        Figure("ratio of the two medians", ratio, "", 1.35, f"{rounds} rounds in turns"),
        median_of("of it, asked to running (ASCI's own probe)", answers[1:], "s"),
    ]


def _until_running(room: Room, name: str) -> float:
    """Seconds from the API's answer to the state running, as the instance tells."""
    told = room.demo.instance(name)
    first, last = (datetime.fromisoformat(told[key]) for key in ("created_at", "running_at"))
    return (last - first).total_seconds()


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
