"""Whose host is asked for, and which pages may ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asci_proxy.webapps import isolation
from asci_proxy.webapps.hosts import Hosts
from asci_shared.apps import AppsOrigins

LOCAL = Hosts("http://localhost:8080", AppsOrigins("http", "localhost", ":8080"))
SITE = Hosts("https://portal.example.org", AppsOrigins("https", "example.org", ""))
OWN = "http://a1.localhost:8080"


@pytest.mark.parametrize(
    ("hosts", "host", "is_app", "instance"),
    [
        (LOCAL, "k3v9x2mq.localhost:8080", True, "k3v9x2mq"),
        (LOCAL, "K3V9X2MQ.LOCALHOST:8080", True, "k3v9x2mq"),
        (LOCAL, "k3v9x2mq.localhost", True, ""),
        (LOCAL, "k3v9x2mq.localhost:81", True, ""),
        (LOCAL, "k3v9x2mq.localhost:", True, ""),
        (LOCAL, "a.b.localhost:8080", True, ""),
        (LOCAL, "localhost:8080", False, ""),
        (LOCAL, "localhost", False, ""),
        (LOCAL, "notlocalhost:8080", False, ""),
        (LOCAL, "k3v9x2mq.localhost.evil.example", False, ""),
        (LOCAL, "", False, ""),
        (SITE, "portal.example.org", False, ""),
        (SITE, "k3v9x2mq.example.org", True, "k3v9x2mq"),
        (SITE, "k3v9x2mq.example.org:443", True, ""),
        (SITE, "example.org", False, ""),
    ],
)
def test_portal_and_applications_are_told_apart(hosts: Hosts, host: str, is_app: bool, instance: str) -> None:
    assert (hosts.is_app(host), hosts.instance(host)) == (is_app, instance)


@given(st.text(max_size=60))
def test_any_host_is_one_or_the_other(host: str) -> None:
    assert not LOCAL.instance(host) or LOCAL.is_app(host)


@pytest.mark.parametrize(
    ("method", "fields", "foreign"),
    [
        ("GET", {}, False),
        ("POST", {}, False),
        ("POST", {"Origin": OWN}, False),
        ("POST", {"Origin": OWN.upper()}, False),
        ("POST", {"Origin": "http://b2.localhost:8080"}, True),
        ("DELETE", {"Origin": "null"}, True),
        ("GET", {"Origin": "http://b2.localhost:8080"}, False),
        ("POST", {"Origin": "null", "Sec-Fetch-Site": "same-origin"}, False),
        ("POST", {"Origin": OWN, "Sec-Fetch-Site": "same-site"}, True),
        ("GET", {"Sec-Fetch-Site": "none"}, False),
        ("GET", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, True),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, False),
        ("HEAD", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, False),
        ("POST", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, True),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"}, True),
        ("GET", {"Sec-Fetch-Site": "nonsense"}, True),
    ],
)
def test_pages_of_other_origins_may_link_and_no_more(method: str, fields: dict[str, str], foreign: bool) -> None:
    assert isolation.is_foreign(method, fields, OWN) is foreign
