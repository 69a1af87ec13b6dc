"""Nodes of the operator's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from asci_api.catalogue.node_file import NodeFile, NodeFileError, read_nodes
from asci_api.domain.identity import NodeName
from asci_api.domain.node import DeclaredGpu, NodeRegistration, NodeSource, Overcommit, Taint

LOCAL = NodeRegistration(NodeName("local"), "unix:///run/docker.sock", source=NodeSource.BUILT_IN)
WHOLE = """\
- name: gpu-1
  url: tcp://10.2.0.11:2376
  publish: 10.2.0.11
  tls: site
  labels: {beamline: xfm}
  taints: [{key: online, value: "true"}]
  overcommit: {cpus: 2, memory: 1}
  gpus: [{model: A100, memory: 40 GiB, slots: 4}]
- {name: plain, url: "tcp://10.2.0.12:2376", tls: site}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "nodes.yaml"
    file.write_text(text)
    return file


def test_a_whole_entry_and_a_plain_one(tmp_path: Path) -> None:
    assert read_nodes(written(tmp_path, WHOLE)) == (
        NodeRegistration(
            NodeName("gpu-1"),
            "tcp://10.2.0.11:2376",
            publish="10.2.0.11",
            tls="site",
            labels={"beamline": "xfm"},
            taints=(Taint("online", "true"),),
            overcommit=Overcommit(2.0, 1.0),
            gpus=(DeclaredGpu("A100", 40 * 1024**3, 4),),
            source=NodeSource.FILE,
        ),
        NodeRegistration(NodeName("plain"), "tcp://10.2.0.12:2376", tls="site", source=NodeSource.FILE),
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[]\n"])
def test_an_empty_file_names_none(tmp_path: Path, text: str) -> None:
    assert read_nodes(written(tmp_path, text)) == ()
    assert read_nodes(tmp_path / "missing.yaml") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: a, url: 'tcp://h:2376'}", "entry 1 \\(a\\): url: An engine on the network needs TLS"),
        ("- {url: 'tcp://h:2376', tls: x}", "entry 1: name"),
        ("- {name: A, url: 'tcp://h:2376', tls: x}", "name: Lower-case"),
        ("- {name: a, url: 'tcp://h:2376', tls: x, colour: red}", "entry 1: colour"),
        ("- {name: a, url: 'tcp://h:2376', tls: x, gpus: [{slots: 0}]}", "gpus: Slots"),
        ("- {name: local, url: 'tcp://h:2376', tls: x}", "there is a node local already"),
        ("- {name: a, url: 'unix:///x'}\n- {name: a, url: 'unix:///y'}", "entry 2: there is a node a already"),
        ("name: a", "must be a list"),
        ("- [", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(NodeFileError, match=said):
        read_nodes(written(tmp_path, text), {"local"})


def test_the_file_is_read_again_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    file = NodeFile(tmp_path / "nodes.yaml", [LOCAL])
    assert [node.name for node in file.declared()] == ["local"]
    written(tmp_path, WHOLE)
    assert [node.name for node in file.declared()] == ["local", "gpu-1", "plain"]
    written(tmp_path, WHOLE + "- {name: oops")
    assert [node.name for node in file.declared()] == ["local", "gpu-1", "plain"]
    (tmp_path / "nodes.yaml").unlink()
    assert [node.name for node in file.declared()] == ["local"]
