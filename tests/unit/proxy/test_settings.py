"""What an operator may set."""

from __future__ import annotations

from pathlib import Path

import pytest

from asci_proxy import settings
from asci_shared.environ import Environ, SettingsError


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "key").write_text("abc\n")
    (tmp_path / "password").write_text("pass word\n")
    return {
        "ASCI_REDIS_URL": "redis://proxy@redis:6379/0",
        "ASCI_KEY_FILE": str(tmp_path / "key"),
        "ASCI_REDIS_PASSWORD_FILE": str(tmp_path / "password"),
    }


def test_two_settings_are_enough(variables: dict[str, str]) -> None:
    del variables["ASCI_REDIS_PASSWORD_FILE"]
    chosen = settings.read(Environ(variables))
    assert (chosen.key, chosen.redis_password, chosen.port, chosen.inward_port) == (b"abc", None, 8010, 8011)
    assert chosen.public_origin == "http://localhost:8080"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://ASCI.example.org/", "https://asci.example.org"),
        ("https://asci.example.org:443", "https://asci.example.org"),
        ("http://asci.example.org:80", "http://asci.example.org"),
        ("https://asci.example.org:8443", "https://asci.example.org:8443"),
    ],
)
def test_the_origin_is_written_as_browsers_do(variables: dict[str, str], url: str, origin: str) -> None:
    assert settings.read(Environ(variables | {"ASCI_PUBLIC_URL": url})).public_origin == origin


def test_applications_are_reached_beside_the_portal(variables: dict[str, str]) -> None:
    assert settings.read(Environ(variables)).apps.of("k3v9x2mq") == "http://k3v9x2mq.localhost:8080"
    site = {"ASCI_PUBLIC_URL": "https://asci.example.org", "ASCI_APPS_DOMAIN": "Apps.example.org"}
    assert settings.read(Environ(variables | site)).apps.of("k3v9x2mq") == "https://k3v9x2mq.apps.example.org"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ASCI_KEY_FILE": "/nowhere"},
        {"ASCI_REDIS_PASSWORD_FILE": "/nowhere"},
        {"ASCI_REDIS_URL": ""},
        {"ASCI_PUBLIC_URL": "asci.example.org"},
        {"ASCI_PROXY_PORT": "http"},
        {"ASCI_PROXY_BEAT_SECONDS": "0"},
        {"ASCI_PROXY_PERSON_PAGES": "0"},
        {"ASCI_APPS_DOMAIN": "*.example.org"},
        {"ASCI_PROXY_APP_EXCHANGES": "0"},
        {"ASCI_PROXY_APP_HEAD_SECONDS": "soon"},
    ],
)
def test_wrong_ones_are_named(variables: dict[str, str], wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        settings.read(Environ(variables | wrong))
