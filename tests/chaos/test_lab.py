"""The lab itself: who may speak with its engines, where images come from, and that an engine may die alone."""

from __future__ import annotations

import socket
import ssl
import subprocess
from pathlib import Path

import pytest
import requests
from docker import APIClient
from docker.errors import DockerException
from docker.tls import TLSConfig

from tests.support.composed import Installation, docker, docker_bytes
from tests.support.eventually import eventually
from tests.support.lab import Lab

NODE = "node2"
QUICK = 5


def engine(lab: Lab, host: str, *, identity: Path | None) -> APIClient:
    """A client of the engine at ``host``, who shows the certificate in that folder or none."""
    pair = (str(identity / "cert.pem"), str(identity / "key.pem")) if identity else None
    tls = TLSConfig(ca_cert=str(lab.folder / "ca.pem"), client_cert=pair, verify=True)
    client = APIClient(base_url=f"tcp://{host}:2376", tls=tls, version="1.41", timeout=QUICK)
    client.trust_env = False
    return client


def refused(lab: Lab, identity: Path | None) -> str:
    """The engine refuses that identity; why, in its own words."""
    client = engine(lab, lab.address(NODE), identity=identity)
    before = len(docker_bytes("logs", lab.container(NODE)))
    with pytest.raises((requests.RequestException, DockerException)):
        client.version()
    client.close()

    def said() -> str:
        return docker_bytes("logs", lab.container(NODE))[before:].decode()

    return eventually(lambda: said() if "TLS handshake error" in said() else None, within=5, what="the engine's log")


def test_engines_answer_whom_the_lab_certified_under_their_own_address(lab: Lab) -> None:
    for node in lab.nodes():
        client = engine(lab, lab.address(node), identity=lab.folder / "client")
        assert f"rack={node}" in client.info()["Labels"]
        assert client.info()["LiveRestoreEnabled"] is True
        client.close()


def test_engines_refuse_whom_the_lab_did_not_certify_as_a_client(lab: Lab, tmp_path: Path) -> None:
    assert "didn't provide a certificate" in refused(lab, None)
    # another member's certificate is a server's
    assert "incompatible key usage" in refused(lab, lab.folder / "registry")
    stranger = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([*stranger, *files, "-subj", "/CN=stranger", "-days", "2"], check=True, capture_output=True)
    assert "unknown authority" in refused(lab, tmp_path)


def test_an_engine_at_anothers_address_is_not_believed(lab: Lab) -> None:
    """Its certificate names its own address: one that answers elsewhere is an impostor."""
    context = ssl.create_default_context(cafile=str(lab.folder / "ca.pem"))
    context.load_cert_chain(lab.folder / "client" / "cert.pem", lab.folder / "client" / "key.pem")
    with (
        socket.create_connection((lab.address(NODE), 2376), timeout=QUICK) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
        context.wrap_socket(plain, server_hostname=lab.address("gpu-1")),
    ):
        pass


def test_keys_are_their_readers_alone(lab: Lab, installation: Installation) -> None:
    client = installation.state / "config" / "tls" / "cluster" / "key.pem"
    keys = [lab.folder / "ca.key", client, *lab.folder.rglob("key.pem")]
    assert len(keys) >= 2 + len(lab.nodes())
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    assert client.stat().st_uid == 10001


def test_nodes_pull_from_the_registry_over_tls(lab: Lab) -> None:
    catalogue = requests.get(f"https://{lab.registry}/v2/_catalog", verify=str(lab.folder / "ca.pem"), timeout=QUICK)
    assert "asci/env-desktop" in catalogue.json()["repositories"]
    tags = requests.get(
        f"https://{lab.registry}/v2/asci/env-desktop/tags/list", verify=str(lab.folder / "ca.pem"), timeout=QUICK
    )
    image = f"{lab.registry}/asci/env-desktop:{tags.json()['tags'][0]}"
    lab.on(NODE, "pull", "--quiet", image, timeout=180)
    assert "@sha256:" in lab.on(NODE, "inspect", "--format", "{{json .RepoDigests}}", image)
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://{lab.registry}/v2/", timeout=QUICK)


def test_an_engine_dies_alone_and_its_containers_go_on(lab: Lab) -> None:
    image = lab.on(NODE, "images", "--quiet", f"{lab.registry}/asci/env-desktop").split()[0]
    one = ("--detach", "--memory", "64m", "--pids-limit", "32", "--cpus", "0.5", "--network", "none", "--rm")
    container = lab.on(NODE, "run", *one, "--entrypoint", "sleep", image, "600").strip()
    try:
        shape = "{{.Id}} {{.State.Running}} {{.State.Pid}} {{.State.StartedAt}}"
        before = lab.on(NODE, "inspect", "--format", shape, container)
        lab.kill_engine(NODE)
        assert docker("exec", lab.container(NODE), "sh", "-c", "! engine ready && echo away").strip() == "away"
        lab.start_engine(NODE)
        assert lab.on(NODE, "inspect", "--format", shape, container) == before
    finally:
        lab.start_engine(NODE)
        lab.on(NODE, "rm", "--force", container)


def test_a_second_make_cluster_changes_nothing(lab: Lab, installation: Installation) -> None:
    members = [lab.container(name) for name in [*lab.nodes(), "registry"]]
    registered = (installation.state / "config" / "nodes.yaml").read_bytes()
    before = [docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", name) for name in members]
    said = installation.script("cluster", "--environments", "desktop", *lab.nodes())
    assert "The cluster is up" in said
    assert [docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", name) for name in members] == before
    assert (installation.state / "config" / "nodes.yaml").read_bytes() == registered


def test_a_bad_name_of_a_node_stops_before_anything_is_made(installation: Installation) -> None:
    with pytest.raises(RuntimeError, match="cannot be called 'local'"):
        installation.script("cluster", "local")
