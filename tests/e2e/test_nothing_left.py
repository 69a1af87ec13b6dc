"""After everything: no secret that was used stands in a log, in what the engine tells, in Redis or in its file."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from tests.support.composed import Installation, docker, docker_bytes, inspect
from tests.support.secrets_seen import SecretsSeen


@pytest.fixture(autouse=True)
def _secrets_were_used(
    installation: Installation, secrets_seen: SecretsSeen, running_desktop: Callable[[], str]
) -> None:
    installation.vnc_passwords(running_desktop())
    kinds = repr(secrets_seen)
    for kind in (
        "sign-in token",
        "one-time password",
        "asci_key",
        "password of mara",
        "a desktop's secret for control",
        "cookie of a web application",
        "an application's upstream secret",
    ):
        assert kind in kinds, f"the run used no {kind}: nothing would be found"


def test_the_search_finds_what_is_there(secrets_seen: SecretsSeen) -> None:
    for secret, words in secrets_seen:
        assert words in secrets_seen.found_in(b"before " + secret.encode() + b" after")


def test_no_log_holds_a_secret(installation: Installation, secrets_seen: SecretsSeen) -> None:
    for container in installation.containers():
        log = docker_bytes("logs", container)
        assert not secrets_seen.found_in(log), docker("inspect", "--format", "{{.Name}}", container)


def test_the_engine_tells_no_secret(installation: Installation, secrets_seen: SecretsSeen) -> None:
    for container in installation.containers():
        told = docker_bytes("inspect", container)
        if inspect(container)["State"]["Running"]:
            told += docker_bytes("top", container, "-ef")
        assert not secrets_seen.found_in(told), docker("inspect", "--format", "{{.Name}}", container)


def values_of_redis(installation: Installation) -> Iterator[tuple[bytes, bytes]]:
    """Every key with all that is under it, whatever its type."""
    store: Any = installation.redis()
    for key in store.scan_iter(count=500):
        match store.type(key).decode():
            case "string":
                value = store.get(key)
            case "hash":
                value = store.hgetall(key)
            case "list":
                value = store.lrange(key, 0, -1)
            case "set":
                value = store.smembers(key)
            case "zset":
                value = store.zrange(key, 0, -1, withscores=True)
            case "stream":
                value = store.xrange(key)
            case other:
                raise AssertionError(f"{key!r} is of type {other}, which this test cannot read")
        yield key, value if isinstance(value, bytes) else repr(value).encode()


def test_redis_holds_no_secret(installation: Installation, secrets_seen: SecretsSeen) -> None:
    count = 0
    for key, value in values_of_redis(installation):
        count += 1
        assert not secrets_seen.found_in(key + b" " + value), key
    assert count > 10, "Redis is nearly empty: this looked at the wrong one"


def test_the_files_of_redis_and_the_controller_hold_no_secret(
    installation: Installation, secrets_seen: SecretsSeen
) -> None:
    names: set[str] = set()
    for role, folder in (("redis", "/data"), ("controller", "/state")):
        packed = docker_bytes("cp", f"{installation.service(role)}:{folder}", "-")
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            for member in archive:
                if not member.isfile():
                    continue
                names.add(member.name)
                content = cast("io.BufferedReader", archive.extractfile(member)).read()
                assert not secrets_seen.found_in(content), member.name
    assert any(".aof" in name for name in names), names
    assert any("state/" in name for name in names), names


def test_accounts_are_hashes(installation: Installation, secrets_seen: SecretsSeen) -> None:
    accounts = (installation.state / "accounts" / "accounts.json").read_bytes()
    assert b"$argon2id$" in accounts
    assert not secrets_seen.found_in(accounts)
