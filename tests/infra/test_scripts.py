"""The build's own programs."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.containers import LABEL as TEST_LABEL
from tests.infra.containers import ROOT, TAG, must, run, script_environment

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


@pytest.fixture
def mark() -> Iterator[str]:
    """A label's value for what one test makes on the engine; what is left of it is removed."""
    value = secrets.token_hex(4)
    yield value
    for kind in ("container", "network", "volume"):
        listing = ("docker", kind, "ls", "--quiet", "--filter", f"label=org.asci.mark={value}")
        for found in must(*listing, *(["--all"] if kind == "container" else [])).split():
            must("docker", kind, "rm", found)


def make(kind: str, mark: str, installation: str) -> str:
    """A container, network or volume of that installation; its name."""
    name = f"asci-test-{secrets.token_hex(4)}"
    labels = [f"--label={label}" for label in (TEST_LABEL, f"org.asci.mark={mark}")]
    labels.append(f"--label=org.asci.installation={installation}")
    if kind == "container":
        must("docker", "create", "--name", name, *labels, f"asci/base-os:{TAG}", "true")
    else:
        must("docker", kind, "create", *labels, name)
    return name


def volumes(mark: str) -> set[str]:
    said = must("docker", "volume", "ls", "--filter", f"label=org.asci.mark={mark}", "--format", "{{.Name}}")
    return set(said.split())


@pytest.fixture
def checkout(tmp_path: Path, mark: str) -> Path:
    """A project folder with an installation, whose docker sees the test's objects alone and removes no image.

    The images that it would remove stand in ``removed``."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    (root / ".asci").mkdir()
    (root / ".asci/installation").write_text("mine\n")
    docker = root / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(f"""#!/bin/sh
case "$1 $2" in
    "rmi "*|"image prune") echo "$@" >>"{root}/removed"; exit ;;
    "ps "*|"network ls"|"volume ls") set -- "$@" --filter label=org.asci.mark={mark} ;;
esac
exec {shutil.which("docker")} "$@"
""")
    docker.chmod(0o755)
    return root


def clean(checkout: Path, **settings: str) -> tuple[int, str]:
    """``scripts/clean`` there: exit code, and what it said."""
    env = script_environment(checkout / ".asci", **settings)
    done = run(str(checkout / "scripts/clean"), env={**env, "PATH": f"{checkout / 'bin'}:{env['PATH']}"})
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["container", "network", "volume"])
def test_clean_keeps_the_images_of_other_installations(checkout: Path, mark: str, kind: str) -> None:
    make(kind, mark, "other")
    mine = make("volume", mark, "mine")
    code, said = clean(checkout)
    assert code == 0, said
    assert "Images stay: other installations on this engine share them (other)." in said
    assert not (checkout / "removed").exists()
    assert mine not in volumes(mark)
    assert not (checkout / ".asci").exists()


def test_the_last_installation_takes_the_images_with_it(checkout: Path, mark: str) -> None:
    make("volume", mark, "mine")
    code, said = clean(checkout)
    assert code == 0, said
    assert "Images stay" not in said
    removed = (checkout / "removed").read_text()
    assert f"rmi asci/base-os:{TAG}\n" in removed
    assert "image prune" in removed
    assert volumes(mark) == set()


def test_a_name_in_the_shell_does_not_lead_clean_elsewhere(checkout: Path, mark: str) -> None:
    both = {make("volume", mark, "mine"), make("volume", mark, "other")}
    code, said = clean(checkout, ASCI_INSTALLATION="other")
    assert code == 1
    assert "belongs to the installation mine, not other." in said
    assert volumes(mark) == both
    assert (checkout / ".asci/installation").exists()


def test_clean_without_a_state_folder_removes_nobodys_objects(checkout: Path, mark: str) -> None:
    other = make("volume", mark, "other")
    shutil.rmtree(checkout / ".asci")
    code, said = clean(checkout, ASCI_INSTALLATION="other")
    assert code == 0, said
    assert "There is no installation in" in said
    assert volumes(mark) == {other}
    assert not (checkout / "removed").exists()


@pytest.mark.parametrize("script", ["down", "status", "logs", "wait", "up"])
def test_a_name_in_the_shell_stops_what_works_on_an_installation(tmp_path: Path, script: str) -> None:
    (tmp_path / "installation").write_text("mine\n")
    (tmp_path / "compose.env").write_text("ASCI_INSTALLATION=mine\n")
    done = run(f"scripts/{script}", env=script_environment(tmp_path, ASCI_INSTALLATION="other"))
    assert done.returncode == 1
    assert f"{tmp_path} belongs to the installation mine, not other." in done.stderr


@pytest.mark.parametrize("word", ["disable", "enable"])
def test_disabling_nobody_says_how(word: str) -> None:
    done = run("make", word)
    assert done.returncode != 0
    assert f"Next: make {word} NAME=mara" in done.stderr
