"""Where web applications are reached."""

from __future__ import annotations

import pytest

from asci_shared.apps import AppsOrigins
from asci_shared.environ import Environ, SettingsError


@pytest.mark.parametrize(
    ("portal", "domain", "origin"),
    [
        ("http://localhost:8080", "", "http://k3v9x2mq.localhost:8080"),
        ("http://localhost", "", "http://k3v9x2mq.localhost"),
        ("https://asci.example.org", "apps.example.org", "https://k3v9x2mq.apps.example.org"),
        ("https://asci.example.org:8443", "Apps.Example.org", "https://k3v9x2mq.apps.example.org:8443"),
    ],
)
def test_an_instance_has_an_origin_of_its_own(portal: str, domain: str, origin: str) -> None:
    apps = AppsOrigins.read(Environ({"ASCI_APPS_DOMAIN": domain}), portal)
    assert apps.of("k3v9x2mq") == origin
    assert apps.instance_of(origin.partition("//")[2]) == "k3v9x2mq"


@pytest.mark.parametrize(
    "host",
    [
        "", "localhost:8080", ".localhost:8080", "a.b.localhost:8080", "a.localhost", "a.localhost:9090",
        "-a.localhost:8080",
        "A.localhost:8080", "a.localhost:8080.evil.example", "evil.example", "a.localhost.:8080", "a.localhost:8080\n",
    ],
)  # fmt: skip
def test_other_hosts_are_no_applications(host: str) -> None:
    assert AppsOrigins.beside("http://localhost:8080").instance_of(host) == ""


@pytest.mark.parametrize("domain", ["*.example.org", "apps_example", "apps.example.org:8080", "-apps.org", "apps..org"])
def test_a_domain_that_is_none_stops_the_start(domain: str) -> None:
    with pytest.raises(SettingsError, match="ASCI_APPS_DOMAIN"):
        AppsOrigins.read(Environ({"ASCI_APPS_DOMAIN": domain}), "http://localhost:8080")
