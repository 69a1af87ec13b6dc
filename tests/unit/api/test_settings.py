"""Settings: what is read, and the plain line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from asci_api.settings import Settings
from asci_api.wiring import build, front_desk
from asci_shared.environ import Environ, SettingsError


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The least that it starts with."""
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "password").write_text("of redis\n")
    return {"ASCI_INSTALLATION": "beam1", "ASCI_KEY_FILE": str(tmp_path / "key")}


def test_defaults_and_secrets(variables: dict[str, str], tmp_path: Path) -> None:
    variables["ASCI_REDIS_PASSWORD_FILE"] = str(tmp_path / "password")
    variables["ASCI_TRUSTED_PEERS"] = "edge, webui"
    settings = Settings.read(Environ(variables))
    assert (settings.session_idle, settings.session_life) == (8 * 3600, 7 * 86400)
    assert settings.public_url == "http://localhost:8080"
    assert settings.trusted_peers == ("edge", "webui")
    assert settings.redis_password == "of redis"
    assert "of redis" not in repr(settings)
    assert "abab" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ASCI_INSTALLATION", "", "ASCI_INSTALLATION is not set"),
        ("ASCI_INSTALLATION", "Beam_1", "lowercase"),
        ("ASCI_INSTALLATION", "beam1beam1beam1", "12"),
        ("ASCI_KEY_FILE", "/nowhere/key", "cannot be read"),
        ("ASCI_PUBLIC_URL", "localhost:8080", "http://localhost:8080"),
        ("ASCI_SESSION_IDLE", "an hour", "number of seconds"),
        ("ASCI_SESSION_IDLE", "5", "at least 60"),
        ("ASCI_LOG_FORMAT", "xml", "json or text"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(variables: dict[str, str], name: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        Settings.read(Environ({**variables, name: value}))
    assert "\n" not in str(caught.value)


def test_a_short_key_is_refused(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short")
    with pytest.raises(SettingsError, match="at least 32 bytes"):
        Settings.read(Environ(variables))


def test_wiring_connects_to_nothing(variables: dict[str, str], tmp_path: Path) -> None:
    nowhere = {"ASCI_REDIS_URL": f"unix://{tmp_path}/none.sock", "ASCI_DOCKER_URL": f"unix://{tmp_path}/none.sock"}
    settings = Settings.read(Environ({**variables, **nowhere}))
    adapters = build(settings)
    desk = front_desk(settings, adapters)
    assert adapters.store.pulse.beats() is False
    assert [node.name for node in desk.declared()] == ["local"]


def test_homes_must_be_absolute(variables: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="ASCI_HOMES"):
        build(Settings.read(Environ({**variables, "ASCI_HOMES": "homes"})))
