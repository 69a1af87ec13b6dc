"""compose.yaml as both generations of compose read it, and what it promises of every container."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.containers import ROOT, TAG, inspect, must, run, script_environment

SERVICES = {"edge", "redis", "api", "controller", "webui", "adminui", "proxy"}
# A compose of the second generation, from the images' Debian, where this machine's is of the first.
SECOND_GENERATION = "asci/compose-2:test"
DOCKERFILE = f"""\
FROM asci/base-os:{TAG}
RUN apt-get update && apt-get install -y --no-install-recommends docker-compose && rm -rf /var/lib/apt/lists/*
LABEL org.asci.built=1
"""

Config = dict[str, Any]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compose") / "state"
    must("scripts/state", env=script_environment(folder, ASCI_INSTALLATION="shape"))
    return folder


def arguments(state: Path, *files: str) -> list[str]:
    given = [part for file in ("compose.yaml", *files) for part in ("-f", str(ROOT / file))]
    return [
        "--project-name",
        "asci-shape",
        "--project-directory",
        str(ROOT),
        "--env-file",
        f"{state}/compose.env",
        *given,
        "config",
    ]


def first_generation(state: Path, *files: str) -> Config:
    program = shutil.which("docker-compose")
    if program is None or not run(program, "version", "--short").stdout.startswith("1."):
        pytest.skip("this machine has no docker-compose 1.x")
    config: Config = yaml.safe_load(must(program, *arguments(state, *files), env=script_environment(state)))
    return config


def second_generation(state: Path, *files: str) -> Config:
    env = script_environment(state, DOCKER_BUILDKIT="0")
    must("docker", "build", "--quiet", "--tag", SECOND_GENERATION, "-", stdin=DOCKERFILE, env=env)
    mounts = ("--volume", f"{ROOT}:{ROOT}:ro", "--volume", f"{state}:{state}:ro")
    config: Config = yaml.safe_load(
        must(
            "docker",
            "run",
            "--rm",
            "--network",
            "none",
            *mounts,
            SECOND_GENERATION,
            "docker-compose",
            *arguments(state, *files),
        )
    )
    return config


@pytest.fixture(scope="module", params=["first", "second"])
def config(request: pytest.FixtureRequest, state: Path) -> Config:
    return first_generation(state) if request.param == "first" else second_generation(state)


def test_the_six_services(config: Config) -> None:
    assert set(config["services"]) == SERVICES


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_no_container_may_do_more_than_it_must(config: Config, service: str) -> None:
    found = config["services"][service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode"} & set(found)
    assert found["restart"] == "unless-stopped"
    assert found["mem_limit"]
    assert found["pids_limit"]
    assert found["healthcheck"]["test"]
    assert found["logging"]["options"]["max-size"] == "10m"
    assert found["labels"]["org.asci.installation"] == "shape"
    assert found["labels"]["org.asci.role"] == service


def test_only_the_edge_is_published_on_loopback(config: Config) -> None:
    published = {name: found["ports"] for name, found in config["services"].items() if found.get("ports")}
    assert set(published) == {"edge"}
    assert len(published["edge"]) == 1
    assert "127.0.0.1" in json.dumps(published["edge"])


def test_only_api_and_controller_reach_the_engine(config: Config) -> None:
    holders = {
        name for name, found in config["services"].items() if "docker.sock" in json.dumps(found.get("volumes", []))
    }
    assert holders == {"api", "controller"}


def test_networks_let_nobody_meet_who_need_not(config: Config) -> None:
    networks = {name: set(found["networks"]) for name, found in config["services"].items()}
    assert networks == {
        "edge": {"portal", "relay"},
        "webui": {"portal"},
        "adminui": {"portal"},
        "api": {"portal", "data"},
        "controller": {"data"},
        "proxy": {"relay", "data"},
        "redis": {"data"},
    }


def test_each_service_gets_its_own_secrets(config: Config) -> None:
    secrets = {
        name: {secret["source"] for secret in found.get("secrets", [])} for name, found in config["services"].items()
    }
    assert secrets == {
        "edge": set(),
        "webui": {"webui_key"},
        "adminui": {"adminui_key"},
        "api": {"asci_key", "redis_api"},
        "controller": {"asci_key", "redis_controller"},
        "proxy": {"asci_key", "redis_proxy"},
        "redis": {"redis_users.acl"},
    }


def test_no_secret_stands_in_the_configuration(config: Config, state: Path) -> None:
    text = json.dumps(config)
    for path in (state / "secrets").iterdir():
        assert path.read_text().strip() not in text


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_no_image_runs_as_root(config: Config, service: str) -> None:
    user = inspect(config["services"][service]["image"])["Config"]["User"]
    assert int(user.split(":")[0]) >= 10001


@pytest.mark.parametrize("read", [first_generation, second_generation])
def test_a_certificate_adds_one_port(state: Path, read: Any) -> None:
    edge = read(state, "compose.tls.yaml")["services"]["edge"]
    assert len(edge["ports"]) == 2
    assert "/run/tls" in json.dumps(edge["volumes"])
