"""The last of the story: the cluster goes, wholly; the installation and what runs on its own machine stay."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.conftest import Live
from tests.support.api_caller import ApiCaller
from tests.support.composed import Installation, docker
from tests.support.eventually import eventually
from tests.support.lab import Lab


def labelled(installation: Installation, role: str) -> list[str]:
    """What the engine has of a role of the lab's."""
    filters = (
        "--filter",
        f"label=org.asci.installation={installation.name}",
        "--filter",
        f"label=org.asci.role={role}",
    )
    kinds = (("ps", "--all"), ("volume", "ls"), ("network", "ls"))
    return [one for kind in kinds for one in docker(*kind, "--quiet", *filters).split()]


def control_groups(installation: Installation) -> list[Path]:
    group = f"asci-{installation.name}-lab"
    here = Path("/sys/fs/cgroup")
    return [path for path in (here / group, *here.glob(f"*/{group}")) if path.is_dir()]


def test_cluster_down_removes_it_wholly(live: Live, lab: Lab, installation: Installation, admin: ApiCaller) -> None:
    registry, folder = lab.registry, lab.folder
    assert labelled(installation, "lab-node")
    assert control_groups(installation)
    stays = live.lives["local"]
    said = installation.script("cluster-down")
    assert "The cluster is gone" in said
    live.forget("node2")
    for role in ("lab-node", "lab-registry", "nodes"):
        assert labelled(installation, role) == []
    assert control_groups(installation) == []
    assert not folder.exists()
    assert not (installation.state / "config" / "nodes.yaml").exists()
    assert not (installation.state / "config" / "tls" / "cluster").exists()
    assert not (Path("/etc/docker/certs.d") / registry).exists()
    assert f"{registry}/asci/base" not in docker("images", "--format", "{{.Repository}}")
    assert lab.alive("local", live.desktops["local"]) == stays
    installation.wait_ready()
    live.watch_again("local")
    eventually(
        lambda: [node["name"] for node in admin.get("/nodes").json()["items"]] == ["local"],
        within=30,
        what="the nodes to be forgotten",
    )
    assert "There is no lab cluster" in installation.script("cluster-down")
