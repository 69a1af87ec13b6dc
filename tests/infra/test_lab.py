"""What the lab's scripts write, without a lab: registrations beside the operator's, and compose's additions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.containers import must, run, script_environment
from tests.infra.test_compose import first_generation, second_generation

OPERATORS = """\
# ours
- name: far-away
  url: tcp://192.0.2.7:2376
  tls: site
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with a lab of three that was never started."""
    folder = tmp_path / "state"
    must("scripts/state", env=script_environment(folder, ASCI_INSTALLATION="shape"))
    (folder / "cluster").mkdir()
    (folder / "cluster/lab.env").write_text("LAB_PREFIX=10.213.7\n")
    (folder / "cluster/members").write_text("node2 11 -\nxfm-1 12 -\ngpu-1 13 256m\n")
    must("scripts/state", env=script_environment(folder))
    return folder


def lab(state: Path, *words: str) -> str:
    """One function of scripts/lib/lab.sh."""
    sources = "; ".join(f"source scripts/lib/{part}.sh" for part in ("settings", "say", "engine", "lab"))
    return must("bash", "-ceu", f'{sources}; "$@"', "bash", *words, env=script_environment(state))


def registered(state: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((state / "config/nodes.yaml").read_text())
    return found


def test_its_nodes_are_registered_as_they_play(state: Path) -> None:
    lab(state, "lab_register", "node2", "xfm-1", "gpu-1")
    plain, online, card = registered(state)
    assert plain == {"name": "node2", "url": "tcp://10.213.7.11:2376", "publish": "10.213.7.11", "tls": "cluster"}
    assert online["taints"] == [{"key": "online", "value": "true", "effect": "NoStart"}]
    assert [gpu["slots"] for gpu in card["gpus"]] == [4, 4]


def test_the_operators_own_nodes_stay_as_they_are(state: Path) -> None:
    file = state / "config/nodes.yaml"
    file.write_text(OPERATORS)
    lab(state, "lab_register", "node2")
    lab(state, "lab_register", "node2", "gpu-1")
    assert [node["name"] for node in registered(state)] == ["far-away", "node2", "gpu-1"]
    assert file.stat().st_mode & 0o777 == 0o644
    lab(state, "lab_register")
    assert file.read_text() == OPERATORS


def test_without_nodes_no_file_is_left(state: Path) -> None:
    lab(state, "lab_register", "node2")
    lab(state, "lab_register")
    assert not (state / "config/nodes.yaml").exists()


def test_a_node_keeps_its_address(state: Path) -> None:
    before = (state / "cluster/members").read_text()
    lab(state, "lab_member", "xfm-1", "-")
    assert (state / "cluster/members").read_text() == before
    lab(state, "lab_member", "small", "96m")
    assert lab(state, "lab_address", "small") == "10.213.7.14"
    assert lab(state, "lab_address", "xfm-1") == "10.213.7.12"


@pytest.mark.parametrize("read", [first_generation, second_generation])
def test_who_speaks_with_nodes_joins_their_network(state: Path, read: Any) -> None:
    services = read(state, "compose.cluster.yaml")["services"]
    assert {name for name, found in services.items() if "nodes" in found["networks"]} == {"api", "controller", "proxy"}
    for name in ("api", "controller"):
        assert services[name]["environment"]["ASCI_REGISTRY"] == "10.213.7.2:5000"
    assert set(services["proxy"]["networks"]) == {"relay", "data", "nodes"}


@pytest.mark.parametrize("name", ["local", "registry", "Node", "a_b", "-x"])
def test_a_name_that_no_node_can_have_stops_at_once(state: Path, name: str) -> None:
    done = run("scripts/cluster", name, env=script_environment(state))
    assert done.returncode == 1
    assert f"A node cannot be called '{name}'." in done.stderr


def test_no_cluster_is_no_reason_to_fail(tmp_path: Path) -> None:
    must("scripts/state", env=script_environment(tmp_path / "state", ASCI_INSTALLATION="shape"))
    said = must("scripts/cluster-down", env=script_environment(tmp_path / "state"))
    assert "There is no lab cluster" in said


def test_an_upgrade_of_nothing_says_how_to_begin(tmp_path: Path) -> None:
    done = run("scripts/upgrade", "--no-build", env=script_environment(tmp_path))
    assert done.returncode == 1
    assert "Next: make up" in done.stderr
