"""Docker and the project's scripts from tests: the real programs, on objects that are labelled and taken away again."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TAG = os.environ.get("ASCI_TAG", "dev")
LABEL = "org.asci.test=infra"


def run(
    *command: str, stdin: str = "", env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever that is."""
    return subprocess.run(
        command, input=stdin, env=env, cwd=cwd, text=True, capture_output=True, timeout=300, check=False
    )


def must(*command: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
    """Run a program that has to succeed; its output."""
    done = run(*command, stdin=stdin, env=env)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def script_environment(state: Path, **settings: str) -> dict[str, str]:
    """The environment of a script that works on its own state folder, free of settings of this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASCI_", "COMPOSE_"))}
    return {**kept, "ASCI_TAG": TAG, "ASCI_STATE": str(state), **settings}


@contextmanager
def container(image: str, *options: str, command: tuple[str, ...] = ()) -> Iterator[str]:
    """A running container, removed at the end; its id."""
    name = must("docker", "run", "--detach", "--label", LABEL, *options, image, *command).strip()
    try:
        yield name
    finally:
        must("docker", "rm", "--force", "--volumes", name)


@contextmanager
def network() -> Iterator[str]:
    """A bridge of its own, removed at the end."""
    name = must(
        "docker", "network", "create", "--label", LABEL, f"asci-test-{os.getpid()}-{time.monotonic_ns()}"
    ).strip()
    try:
        yield name
    finally:
        must("docker", "network", "rm", name)


def inspect(name: str) -> dict[str, Any]:
    """docker inspect of a container or image."""
    found: list[dict[str, Any]] = json.loads(must("docker", "inspect", name))
    return found[0]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(condition: Callable[[], bool], what: str, within: float = 20.0) -> None:
    """Wait until the condition holds; fail with ``what`` when it does not."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within} s: {what}"
        time.sleep(0.1)
