"""The users of Redis in the real image: each can do its work, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.containers import TAG, container, eventually, must, run, script_environment

SERVICES = ("api", "controller", "proxy")


class Redis:
    """A running Redis, spoken to as one of its users."""

    def __init__(self, container_id: str, state: Path) -> None:
        self._container = container_id
        self._state = state

    def say(self, user: str, *command: str) -> str:
        """What Redis answers; the password goes in by the environment of the client alone."""
        password = (self._state / f"secrets/redis_{user}").read_text()
        return run(
            "docker",
            "exec",
            "--env",
            f"REDISCLI_AUTH={password}",
            self._container,
            "redis-cli",
            "--user",
            user,
            *command,
        ).stdout.strip()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    state = tmp_path_factory.mktemp("redis") / "state"
    must("scripts/state", env=script_environment(state))
    options = (
        "--read-only",
        "--cap-drop",
        "ALL",
        "--network",
        "none",
        "--tmpfs",
        "/data:uid=10005,gid=10005",
        "--volume",
        f"{state}/secrets/redis_users.acl:/run/secrets/redis_users.acl:ro",
    )
    with container(f"asci/redis:{TAG}", *options) as name:
        server = Redis(name, state)
        eventually(lambda: server.say("operator", "PING") == "PONG", "Redis answers")
        yield server


@pytest.mark.parametrize("user", SERVICES)
@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET *",
        "KEYS *",
        "SHUTDOWN",
        "ACL LIST",
        "CLIENT LIST",
        "SAVE",
        "SCRIPT FLUSH",
        "MONITOR",
        "REPLICAOF NO ONE",
        "MODULE LIST",
        "FUNCTION FLUSH",
        "SWAPDB 0 1",
        "GET other:key",
        "SET other:key 1",
    ],
)
def test_services_may_not(redis: Redis, user: str, command: str) -> None:
    assert redis.say(user, *command.split()).startswith("NOPERM")


def test_nobody_comes_in_without_a_name(redis: Redis) -> None:
    assert run("docker", "exec", redis._container, "redis-cli", "GET", "asci:sentinel").stdout.startswith("NOAUTH")


WORK = (
    ("SET asci:right 1", "OK"),
    ("GET asci:right", "1"),
    ("HSET asci:hash a 1", "1"),
    ("ZADD asci:zset 1 a", "1"),
    ("XADD asci:stream 1-1 a 1", "1-1"),
    ("SADD asci:set a", "1"),
    ("PUBLISH asci:ring x", "0"),
    ("DEL asci:right asci:hash asci:zset asci:stream asci:set", "5"),
)


@pytest.mark.parametrize("user", ["api", "controller"])
def test_api_and_controller_do_their_work(redis: Redis, user: str) -> None:
    assert [redis.say(user, *command.split()) for command, _ in WORK] == [answer for _, answer in WORK]
    assert len(redis.say(user, "TIME").split()) == 2
    assert redis.say(user, "SCAN", "0", "MATCH", "asci:nothing:*").startswith("0")


def test_scripts_have_the_rights_of_whoever_runs_them(redis: Redis) -> None:
    assert redis.say("api", "EVAL", "return redis.call('SET', KEYS[1], 1)", "1", "asci:scripted") == "OK"
    assert "ACL failure" in redis.say("api", "EVAL", "return redis.call('FLUSHALL')", "0")
    assert "NOPERM" in redis.say("proxy", "EVAL", "return redis.call('GET', KEYS[1])", "1", "asci:scripted")


def test_the_proxy_takes_a_ticket_once_and_makes_none(redis: Redis) -> None:
    assert redis.say("api", "SET", "asci:ticket:c1", "{}", "EX", "30") == "OK"
    assert redis.say("proxy", "GETDEL", "asci:ticket:c1") == "{}"
    assert redis.say("proxy", "GETDEL", "asci:ticket:c1") == ""
    assert redis.say("proxy", "SET", "asci:ticket:c2", "{}").startswith("NOPERM")


def test_the_proxy_keeps_a_sign_in_alive_and_makes_none(redis: Redis) -> None:
    assert redis.say("api", "SET", "asci:token:t", "{}", "EX", "30") == "OK"
    assert redis.say("proxy", "GET", "asci:token:t") == "{}"
    assert redis.say("proxy", "EXPIRE", "asci:token:t", "60") == "1"
    assert redis.say("proxy", "SET", "asci:token:t", "{}").startswith("NOPERM")
    assert redis.say("proxy", "DEL", "asci:token:t").startswith("NOPERM")


def test_the_proxy_keeps_leases_and_only_reads_the_rest(redis: Redis) -> None:
    assert redis.say("proxy", "SET", "asci:lease:c1", "{}", "EX", "90") == "OK"
    assert redis.say("proxy", "ZADD", "asci:presence:i1", "1", "c1") == "1"
    assert redis.say("proxy", "SMEMBERS", "asci:audience:i1") == ""
    assert redis.say("proxy", "ZRANGEBYSCORE", "asci:revocations", "0", "+inf") == ""
    assert redis.say("proxy", "ZADD", "asci:revocations", "1", "x").startswith("NOPERM")
    assert redis.say("proxy", "SET", "asci:sentinel", "x").startswith("NOPERM")
    assert redis.say("proxy", "PUBLISH", "elsewhere", "x").startswith("NOPERM")


def test_the_operator_may_flush(redis: Redis) -> None:
    assert redis.say("operator", "FLUSHALL") == "OK"


def test_full_is_an_error_and_nothing_is_thrown_away(redis: Redis) -> None:
    assert redis.say("operator", "CONFIG", "GET", "maxmemory-policy").split() == ["maxmemory-policy", "noeviction"]
    assert redis.say("operator", "CONFIG", "GET", "appendonly").split() == ["appendonly", "yes"]
    assert redis.say("operator", "CONFIG", "GET", "appendfsync").split() == ["appendfsync", "everysec"]
