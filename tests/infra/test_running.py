"""The tests' own installation as it runs: what its containers may really do; a second start changes nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.infra.containers import eventually, inspect, must, run, script_environment

ROLES = {"edge", "redis", "api", "controller", "webui", "adminui", "proxy"}
USERS = {
    "edge": 10004,
    "redis": 10005,
    "api": 10001,
    "controller": 10001,
    "webui": 10003,
    "adminui": 10006,
    "proxy": 10002,
}


@pytest.fixture(scope="module")
def installation() -> str:
    return _told("ASCI_TEST_INSTALLATION")


@pytest.fixture(scope="module")
def state() -> Path:
    return Path(_told("ASCI_TEST_STATE"))


def _told(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        pytest.skip(f"{name} is not set: scripts/test infra starts an installation for this")
    return value


def ids(installation: str) -> dict[str, str]:
    """Role to container id of the control plane."""
    lines = must(
        "docker",
        "ps",
        "--no-trunc",
        "--filter",
        f"label=org.asci.installation={installation}",
        "--filter",
        "label=org.asci.role",
        "--format",
        '{{.Label "org.asci.role"}} {{.ID}}',
    )
    return dict(line.split() for line in lines.splitlines())


@pytest.fixture(scope="module")
def plane(installation: str) -> dict[str, dict[str, Any]]:
    found = ids(installation)
    assert set(found) == ROLES
    return {role: inspect(name) for role, name in found.items()}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_processes_hold_no_right_at_all(plane: dict[str, dict[str, Any]], role: str) -> None:
    status = dict(
        line.split(":\t", 1)
        for line in must("docker", "exec", plane[role]["Id"], "cat", "/proc/1/status").splitlines()
        if ":\t" in line
    )
    assert {int(number) for number in status["Uid"].split()} == {USERS[role]}
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"


@pytest.mark.parametrize("role", sorted(ROLES))
def test_nothing_of_the_image_can_be_written(plane: dict[str, dict[str, Any]], role: str) -> None:
    assert plane[role]["HostConfig"]["ReadonlyRootfs"] is True
    assert plane[role]["HostConfig"]["Memory"] > 0
    refused = run("docker", "exec", plane[role]["Id"], "bash", "-c", "echo x > /usr/local/bin/healthy")
    assert refused.returncode != 0


@pytest.mark.parametrize("role", sorted(ROLES))
def test_health_is_told(plane: dict[str, dict[str, Any]], role: str) -> None:
    eventually(
        lambda: inspect(plane[role]["Id"])["State"]["Health"]["Status"] == "healthy", f"{role} is healthy", within=60
    )


def test_only_the_edge_is_published(plane: dict[str, dict[str, Any]]) -> None:
    published = {
        role: facts["HostConfig"]["PortBindings"]
        for role, facts in plane.items()
        if facts["HostConfig"]["PortBindings"]
    }
    assert set(published) == {"edge"}
    assert {binding["HostIp"] for bindings in published["edge"].values() for binding in bindings} == {"127.0.0.1"}


def test_only_api_and_controller_see_the_engine(plane: dict[str, dict[str, Any]]) -> None:
    for role in ROLES:
        seen = run("docker", "exec", plane[role]["Id"], "test", "-S", "/var/run/docker.sock").returncode == 0
        assert seen == (role in {"api", "controller"})


@pytest.mark.parametrize("role", ["edge", "webui", "adminui"])
def test_pages_and_edge_cannot_reach_redis(plane: dict[str, dict[str, Any]], role: str) -> None:
    address = next(iter(plane["redis"]["NetworkSettings"]["Networks"].values()))["IPAddress"]
    for target in ("redis", address):
        tried = run(
            "docker", "exec", plane[role]["Id"], "timeout", "2", "bash", "-c", f"exec 3<>/dev/tcp/{target}/6379"
        )
        assert tried.returncode != 0


def test_secrets_are_in_no_inspection_and_no_log(plane: dict[str, dict[str, Any]], state: Path) -> None:
    secrets = [
        path.read_text().strip()
        for path in (state / "secrets").iterdir()
        if path.name not in {"redis_users.acl", "accounts_given"}
    ]
    assert len(secrets) >= 8
    for role, facts in plane.items():
        log = run("docker", "logs", facts["Id"])
        everything = json.dumps(facts) + log.stdout + log.stderr
        assert [secret for secret in secrets if secret in everything] == [], role


def test_everything_carries_the_installations_name(installation: str) -> None:
    kept = f"label=org.asci.installation={installation}"
    project = f"label=com.docker.compose.project=asci-{installation}"
    for kind in ("network", "volume"):
        labelled = must("docker", kind, "ls", "--quiet", "--filter", kept, "--filter", project).split()
        assert sorted(labelled) == sorted(must("docker", kind, "ls", "--quiet", "--filter", project).split())
        assert labelled


def test_a_second_start_changes_nothing(installation: str, state: Path, plane: dict[str, dict[str, Any]]) -> None:
    files = {path: path.read_bytes() for path in state.rglob("*") if path.is_file() and "secrets" in path.parts}
    env = script_environment(state)
    must("scripts/state", env=env)
    must("scripts/accounts", "ensure", env=env)
    must(
        "bash",
        "-c",
        "source scripts/lib/settings.sh; source scripts/lib/engine.sh; compose up --detach --remove-orphans",
        env=env,
    )
    assert {path: path.read_bytes() for path in files} == files
    assert ids(installation) == {role: facts["Id"] for role, facts in plane.items()}
    for facts in plane.values():
        assert inspect(facts["Id"])["State"]["StartedAt"] == facts["State"]["StartedAt"]
