"""The build's own programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.infra.containers import ROOT, must, run

LABEL = (str(ROOT / ".build/tools/bin/python"), str(ROOT / "scripts/environment-label"))
GOOD = """\
name: tomography
title: Tomography
description: Reconstruction with a GPU.
kind: desktop
needs: {cpus: 2, memory: 2 GiB, gpu: {share: exclusive, count: 1}}
lifetime: 7 d
allow: {groups: [imbl]}
"""


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    return tmp_path / "environment.yaml"


def test_an_environment_becomes_one_line(entry: Path) -> None:
    entry.write_text(GOOD)
    said = must(*LABEL, str(entry))
    assert said.count("\n") == 1
    assert json.loads(said)["needs"]["memory"] == "2 GiB"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("privileged: true", "privileged is no field"),
        ("needs: {cpus: -1}", "needs.cpus must be a number of cores"),
        ("needs: {memory: lots}", "needs.memory must be a size"),
        ("needs: {devices: all}", "needs.devices is no field"),
        ("needs: {gpu: {share: all}}", "needs.gpu must be"),
        ("kind: virtual-machine", "kind must be desktop, web or service"),
        ("name: With Blanks", "name must be small letters"),
        ("lifetime: a while", "lifetime must be such as"),
        ("ready_path: lab", "ready_path must be a path"),
        ("port: 70000", "port must be a port"),
        ("allow: everybody", "allow must be groups"),
    ],
)
def test_what_is_no_environment_stops_the_build(entry: Path, change: str, complaint: str) -> None:
    field = change.split(":", maxsplit=1)[0]
    kept = [line for line in GOOD.splitlines() if not line.startswith(f"{field}:")]
    entry.write_text("\n".join([*kept, change]))
    done = run(*LABEL, str(entry))
    assert done.returncode == 1
    assert complaint in done.stderr


def test_an_environment_without_a_title_stops_the_build(entry: Path) -> None:
    entry.write_text(GOOD.replace("title: Tomography\n", ""))
    done = run(*LABEL, str(entry))
    assert done.returncode == 1
    assert "title is missing" in done.stderr


def test_every_environment_in_the_repository_is_one() -> None:
    found = sorted(ROOT.glob("images/envs/*/environment.yaml"))
    assert found
    for path in found:
        assert json.loads(must(*LABEL, str(path)))["name"] == path.parent.name


def test_lock_files_pin_by_hash_and_name_no_place() -> None:
    for lock in sorted(ROOT.glob("requirements/*.lock")):
        text = lock.read_text()
        names = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert names
        assert all("==" in name and name.endswith("\\") for name in names)
        assert "://" not in text
        assert "--index-url" not in text
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert all("integrity" in facts and "resolved" not in facts for name, facts in packages.items() if name)


def test_bundles_are_the_same_at_every_run() -> None:
    must("python3", "scripts/build-static")
    first = {path.name: path.read_bytes() for path in (ROOT / ".build/static").iterdir()}
    must("python3", "scripts/build-static")
    assert {path.name: path.read_bytes() for path in (ROOT / ".build/static").iterdir()} == first
    manifest = json.loads(first["manifest.json"])
    assert set(manifest.values()) <= set(first)


def test_make_help_names_every_target() -> None:
    targets = {
        line.split(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if ":" in line and line[0].isalpha()
    }
    said = must("make", "help")
    assert all(f"make {target} " in said for target in targets)
