"""scripts/state: secrets for their readers alone, settings that are remembered, nothing changed by a second run."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.infra.containers import must, run, script_environment

READERS = {
    "asci_key": (0, 10000, 0o440),
    "redis_api": (10001, 10001, 0o400),
    "redis_controller": (10001, 10001, 0o400),
    "redis_proxy": (10002, 10002, 0o400),
    "webui_key": (10003, 10003, 0o400),
    "adminui_key": (10006, 10006, 0o400),
    "redis_users.acl": (10005, 10005, 0o400),
    "redis_operator": (os.getuid(), os.getgid(), 0o600),
    "demo_password": (os.getuid(), os.getgid(), 0o600),
    "admin_password": (os.getuid(), os.getgid(), 0o600),
}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    must("scripts/state", env=script_environment(folder))
    return folder


def contents(state: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in state.rglob("*") if path.is_file()}


def test_each_secret_is_readable_by_its_reader_alone(state: Path) -> None:
    found = {}
    for path in (state / "secrets").iterdir():
        facts = path.stat()
        found[path.name] = (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode))
    assert found == READERS
    assert stat.S_IMODE((state / "secrets").stat().st_mode) == 0o700


def test_folders_belong_to_the_services_that_write_them(state: Path) -> None:
    for name in ("accounts", "state"):
        facts = (state / name).stat()
        assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (10001, 0o700)


def test_secrets_differ_from_each_other_and_between_installations(state: Path, tmp_path: Path) -> None:
    must("scripts/state", env=script_environment(tmp_path / "other"))
    names = [name for name in READERS if name != "redis_users.acl"]
    values = [(folder / "secrets" / name).read_text() for folder in (state, tmp_path / "other") for name in names]
    assert len(set(values)) == len(values)
    assert all(len(value) >= 14 for value in values)
    assert len((state / "secrets/asci_key").read_text()) == 64


def test_a_second_run_changes_nothing(state: Path) -> None:
    before = contents(state)
    must("scripts/state", env=script_environment(state))
    assert contents(state) == before


def test_redis_gets_hashes_and_no_passwords(state: Path) -> None:
    acl = (state / "secrets/redis_users.acl").read_text()
    for user in ("api", "controller", "proxy", "operator"):
        password = (state / f"secrets/redis_{user}").read_text()
        assert password not in acl
        assert f"user {user} on #{hashlib.sha256(password.encode()).hexdigest()} " in acl
    assert "user default off" in acl


def test_settings_are_remembered_until_given_anew(state: Path) -> None:
    must("scripts/state", env=script_environment(state, ASCI_PORT="9123", ASCI_FACILITY="Light Source"))
    must("scripts/state", env=script_environment(state))
    compose = (state / "compose.env").read_text()
    assert "ASCI_PORT=9123\n" in compose
    assert "ASCI_PUBLIC_URL=http://localhost:9123\n" in compose
    assert "ASCI_FACILITY=Light Source\n" in (state / "settings.env").read_text()
    must("scripts/state", env=script_environment(state, ASCI_PORT="9124"))
    assert "ASCI_PORT=9124\n" in (state / "compose.env").read_text()


def test_a_given_password_is_taken_and_is_no_setting(state: Path) -> None:
    must("scripts/state", env=script_environment(state, ASCI_DEMO_PASSWORD="correct horse battery"))
    assert (state / "secrets/demo_password").read_text() == "correct horse battery"
    assert "horse" not in (state / "settings.env").read_text() + (state / "compose.env").read_text()


def test_a_setting_that_compose_would_misread_is_refused(state: Path) -> None:
    refused = run("scripts/state", env=script_environment(state, ASCI_FACILITY="$HOME"))
    assert refused.returncode == 1
    assert "ASCI_FACILITY may not contain" in refused.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ASCI_PORT", "abc", "must be a port"),
        ("ASCI_PORT", "99999", "must be a port"),
        ("ASCI_PUBLIC_URL", "asci.example.org", "must be an origin"),
        ("ASCI_PUBLIC_URL", "https://asci.example.org/portal", "must be an origin"),
        ("ASCI_HOMES", "homes", "must be an absolute folder"),
    ],
)
@pytest.mark.parametrize("script", ["scripts/up", "scripts/state"])
def test_a_setting_that_cannot_work_is_refused_before_anything_is_made(
    tmp_path: Path, script: str, name: str, value: str, words: str
) -> None:
    refused = run(script, env=script_environment(tmp_path / "new", **{name: value}))
    assert refused.returncode == 1
    assert f"{name} {words}" in refused.stderr
    assert not (tmp_path / "new").exists()


def test_a_setting_written_by_hand_is_judged_too(state: Path) -> None:
    (state / "settings.env").write_text("ASCI_PORT=http\n")
    refused = run("scripts/state", env=script_environment(state))
    assert refused.returncode == 1
    assert "ASCI_PORT must be a port, 1 to 65535, not 'http'." in refused.stderr


@pytest.mark.parametrize("name", ["Upper", "-dash", "much-too-long-a-name", "dot.ted"])
def test_an_installation_name_is_a_short_dns_label(tmp_path: Path, name: str) -> None:
    refused = run("scripts/state", env=script_environment(tmp_path / "new", ASCI_INSTALLATION=name))
    assert refused.returncode == 1
    assert "lowercase DNS label" in refused.stderr


def test_a_state_folder_belongs_to_one_installation(state: Path) -> None:
    refused = run("scripts/state", env=script_environment(state, ASCI_INSTALLATION="another"))
    assert refused.returncode == 1
    assert "choose another ASCI_STATE" in refused.stderr


def test_a_certificate_is_kept_for_the_edge_alone(state: Path, tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    certificate.write_text("certificate\n")
    key.write_text("key\n")
    must("scripts/state", env=script_environment(state, ASCI_TLS_CERT=str(certificate), ASCI_TLS_KEY=str(key)))
    facts = (state / "tls/key.pem").stat()
    assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (10004, 0o400)
    assert "ASCI_PUBLIC_URL=https://localhost:8443\n" in (state / "compose.env").read_text()


def on_a_full_disk(*command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program that can make and rename files, and cannot write a byte into one."""
    return run("bash", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "bash", *command, env=env)


@pytest.mark.parametrize("name", sorted(set(READERS) - {"redis_users.acl"}))
def test_a_full_disk_leaves_no_secret_that_counts_as_made(state: Path, name: str) -> None:
    secret = state / "secrets" / name
    length = len(secret.read_text())
    secret.unlink()
    assert on_a_full_disk("scripts/state", env=script_environment(state)).returncode != 0
    assert {path.name for path in (state / "secrets").iterdir()} == set(READERS) - {name}
    must("scripts/state", env=script_environment(state))
    assert len(secret.read_text()) == length


@pytest.mark.parametrize("name", sorted(READERS))
def test_an_empty_secret_is_made_anew_for_its_reader(state: Path, name: str) -> None:
    secret = state / "secrets" / name
    length = len(secret.read_text())
    secret.write_text("")
    must("scripts/state", env=script_environment(state))
    assert len(secret.read_text()) == length
    test_each_secret_is_readable_by_its_reader_alone(state)


def test_a_full_disk_leaves_no_nameless_installation(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert on_a_full_disk("scripts/state", env=script_environment(folder)).returncode != 0
    assert [path.name for path in folder.iterdir() if path.is_file()] == []
    must("scripts/state", env=script_environment(folder))
    assert (folder / "installation").read_text().strip()
