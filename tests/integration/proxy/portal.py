"""What api and controller do around a connection, in the few strokes that the proxy's tests need, on a real Redis."""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import redis

from asci_shared import passwords
from asci_shared import redis_contract as contract
from tests.integration.proxy.browser import Browser
from tests.support.redis_server import RedisServer

ROOT = Path(__file__).resolve().parents[3]
KEY = b"0123456789abcdef0123456789abcdef"
BEAT = 1.0
"""Seconds between two looks of the tests' proxies."""
ORIGIN = "http://localhost:8080"
PASSWORDS = {name: f"{name}-test-password" for name in ("api", "controller", "proxy", "operator")}


def acl() -> str:
    """The installation's own Redis rights, with the tests' passwords."""
    text = (ROOT / "services/redis/users.acl.in").read_text()
    lines = [line for line in text.splitlines() if line.startswith("user ")]
    rights = "\n".join(lines) + "\n"
    for name, password in PASSWORDS.items():
        rights = rights.replace("{" + name + "}", "#" + hashlib.sha256(password.encode()).hexdigest())
    return rights


class Portal:
    """Signs people in, issues tickets, revokes; acts as the Redis user `api`, and as `operator` for accidents."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.redis = redis.Redis(port=server.port, username="api", password=PASSWORDS["api"])
        self.operator = redis.Redis(port=server.port, username="operator", password=PASSWORDS["operator"])

    def now(self) -> float:
        seconds, micros = self.redis.time()
        return float(seconds) + float(micros) / 1e6

    def restore(self) -> None:
        """The leader has restored."""
        self.redis.set(contract.SENTINEL, "1")

    def sign_in(self, username: str = "demo", roles: tuple[str, ...] = (), **changes: Any) -> str:
        """A fresh token."""
        token = secrets.token_urlsafe(24)
        now = self.now()
        record = contract.TokenRecord(username, username.title(), roles, now, now + 3600, 1800)
        self.write_token(token, dataclasses.replace(record, **changes))
        return token

    def record(self, token: str) -> contract.TokenRecord:
        text = self.operator.get(contract.token_key(hash_of(token)))
        assert text is not None
        return contract.TokenRecord.from_json(text)

    def subscribe(self, channel: str) -> Any:
        """A subscription that Redis has confirmed."""
        client: Any = self.operator
        subscription = client.pubsub()
        subscription.subscribe(channel)
        subscription.get_message(timeout=5)
        return subscription

    def write_token(self, token: str, record: contract.TokenRecord) -> None:
        self.redis.set(contract.token_key(hash_of(token)), record.to_json(), ex=record.idle_seconds)

    def ticket(self, token: str, port: int, *, username: str = "demo", **changes: Any) -> contract.Ticket:
        ticket = contract.Ticket(
            connection=secrets.token_hex(8), instance="i-test", kind="desktop", address="127.0.0.1", port=port,
            username=username, name=username.title(), owner="demo", token=hash_of(token), mode="control", generation=1,
            issued_at=self.now(), request_id=secrets.token_hex(16),
        )  # fmt: skip
        ticket = dataclasses.replace(ticket, **changes)
        self.redis.set(contract.ticket_key(ticket.connection), ticket.to_json(), ex=contract.TICKET_SECONDS)
        return ticket

    def revoke(self, kind: str, code: int, *, publish: bool = True, **facts: Any) -> contract.Revocation:
        revocation = contract.Revocation(
            secrets.token_hex(8), kind, self.now(), code, f"{kind} was taken away", **facts
        )
        self.redis.zadd(contract.REVOCATIONS, {revocation.to_json(): revocation.at})
        if publish:
            self.redis.publish(contract.CHANNEL_REVOKED, revocation.to_json())
        return revocation

    def lease(self, ticket: contract.Ticket) -> contract.Lease | None:
        text = self.operator.get(contract.lease_key(ticket.connection))
        return None if text is None else contract.Lease.from_json(text)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def secret_of(ticket_instance: str = "i-test", mode: str = "control", generation: int = 1) -> str:
    """The desktop's VNC password."""
    return passwords.desktop_secret(KEY, ticket_instance, mode, generation)


class Proxy:
    """``python -m asci_proxy`` as a process."""

    def __init__(self, redis_port: int, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="asci-proxy-"))
        (self.folder / "key").write_bytes(KEY)
        (self.folder / "redis_proxy").write_text(PASSWORDS["proxy"])
        self.port, self.inward_port = free_port(), free_port()
        self.environ = os.environ | {
            "PYTHONPATH": f"{ROOT / 'services/shared/src'}:{ROOT / 'services/proxy/src'}",
            "PYTHONWARNINGS": "error",
            "ASCI_PUBLIC_URL": ORIGIN,
            "ASCI_REDIS_URL": f"redis://proxy@127.0.0.1:{redis_port}/0",
            "ASCI_REDIS_PASSWORD_FILE": str(self.folder / "redis_proxy"),
            "ASCI_KEY_FILE": str(self.folder / "key"),
            "ASCI_PROXY_HOST": "127.0.0.1",
            "ASCI_PROXY_PORT": str(self.port),
            "ASCI_PROXY_INWARD_PORT": str(self.inward_port),
            "ASCI_PROXY_BEAT_SECONDS": str(BEAT),
            **settings,
        }

    def start(self, path: str = "/health/ready") -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "asci_proxy"], env=self.environ, stdout=log, stderr=log
            )
        wait_for(lambda: self.process.poll() is not None or self.status(path) == 200, "the proxy to start")
        assert self.process.poll() is None, self.log()
        if path == "/health/ready":  # it takes connections before it hears; tests end Redis, or count rings
            wait_for(lambda: self.lines("subscription.alive"), "the subscription")

    def status(self, path: str) -> int:
        """Status of the inward door's answer; 0 without one."""
        try:
            return self.inward(path)[0]
        except OSError:
            return 0

    def inward(self, path: str) -> tuple[int, str]:
        door = http.client.HTTPConnection("127.0.0.1", self.inward_port, timeout=5)
        try:
            door.request("GET", path)
            answer = door.getresponse()
            return answer.status, answer.read().decode()
        finally:
            door.close()

    def metric(self, name: str) -> float:
        """A sample's value; 0 when it is not there yet."""
        for line in self.inward("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The facts of the log's lines of one event."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line["message"] == event]

    def memory(self) -> int:
        """Resident bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def browser(self, ticket: contract.Ticket | str, token: str | None, **changes: Any) -> Browser:
        name = ticket if isinstance(ticket, str) else ticket.connection
        cookie = None if token is None else f"theme=dark; asci={token}"
        facts: dict[str, Any] = {"cookie": cookie, "origin": ORIGIN}
        return Browser(self.port, f"/connect/{name}", **(facts | changes))

    def enter(self, ticket: contract.Ticket, token: str, **changes: Any) -> Browser:
        """Connect and pass RFB security."""
        browser = self.browser(ticket, token, **changes).connect()
        browser.authenticate(passwords.one_time_password(KEY, ticket.connection))
        return browser

    def stop(self) -> None:
        """End the process and remove its folder; its log goes to the test's output."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        print(self.log())
        shutil.rmtree(self.folder)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


def wait_for(condition: Any, what: str, seconds: float = 20.0) -> None:
    """Until ``condition()`` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)


def in_thread(work: Any) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
