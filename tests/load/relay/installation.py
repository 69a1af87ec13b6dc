"""As much of an installation as the relay needs: a real Redis with its users, the real proxy, tickets like the API's.

::

    python -m tests.load.relay.installation --port 8010 --desktop-port 25900                  # until it is ended
    python -m tests.load.relay.installation --port 8010 --desktop-port 25900 --tickets 12000  # mints for that one

Nothing of the proxy is replaced; its limits for addresses and people are off, since one person at one address asks.
"""

from __future__ import annotations

import argparse
import hashlib
import secrets
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import redis

from asci_shared import passwords
from asci_shared import redis_contract as contract
from tests.load.relay.machine import Stage
from tests.support import redis_users
from tests.support.redis_server import program

ROOT = Path(__file__).resolve().parents[3]
KEY = hashlib.sha256(b"a key for measuring").digest()
INSTANCE, PERSON, TOKEN = "i-measured", "measured", "a-sign-in-for-measuring"
TOKEN_HASH = hashlib.sha256(TOKEN.encode()).hexdigest()
COOKIE = f"Cookie: asci={TOKEN}"
SECRET = passwords.desktop_secret(KEY, INSTANCE, contract.Mode.CONTROL, 1)
"""What the desktop of the measured instance must ask for."""


def start(stage: Stage, port: int, cpu: str, store_cpu: str, python: str = sys.executable, **settings: str) -> int:
    """The proxy on ``port``, its inward door on the next one, Redis behind it; returns the proxy's process id."""
    for name, text in (("key", KEY), ("redis_proxy", redis_users.password("proxy").encode())):
        (stage.folder / name).write_bytes(text)
    (stage.folder / "users.acl").write_text(redis_users.rights())
    server = [program() or "redis-server", "--port", str(port + 2), "--bind", "127.0.0.1", "--save", ""]
    server += ["--appendonly", "no", "--aclfile", str(stage.folder / "users.acl")]
    stage.start("redis", store_cpu, server, partial(_restore, port))
    command = [python, "-m", "asci_proxy"]
    return stage.start("proxy", cpu, command, partial(_is_ready, port + 1), **_environ(stage.folder, port), **settings)


def mint(port: int, desktop_port: int, count: int) -> str:
    """``count`` tickets for the proxy on ``port``, one a line: path, one-time password."""
    client = _client(port, "api")
    seconds, micros = client.time()
    now, lines = float(seconds) + float(micros) / 1e6, []
    with client.pipeline(transaction=False) as commands:
        for _ in range(count):
            ticket = _ticket(secrets.token_hex(12), desktop_port, now)
            commands.set(contract.ticket_key(ticket.connection), ticket.to_json(), ex=contract.TICKET_SECONDS)
            lines.append(f"/connect/{ticket.connection} {passwords.one_time_password(KEY, ticket.connection)}\n")
        commands.execute()
    client.close()
    return "".join(lines)


def _ticket(name: str, desktop_port: int, now: float) -> contract.Ticket:
    return contract.Ticket(
        connection=name, instance=INSTANCE, kind="desktop", address="127.0.0.1", port=desktop_port, username=PERSON,
        name="Measured Person", owner=PERSON, token=TOKEN_HASH, mode=contract.Mode.CONTROL, generation=1,
        issued_at=now, request_id=secrets.token_hex(16),
    )  # fmt: skip


def _environ(folder: Path, port: int) -> dict[str, str]:
    return {
        "PYTHONPATH": f"{ROOT / 'services/shared/src'}:{ROOT / 'services/proxy/src'}",
        "ASCI_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "ASCI_REDIS_URL": f"redis://proxy@127.0.0.1:{port + 2}/0",
        "ASCI_REDIS_PASSWORD_FILE": str(folder / "redis_proxy"),
        "ASCI_KEY_FILE": str(folder / "key"),
        "ASCI_PROXY_HOST": "127.0.0.1",
        "ASCI_PROXY_PORT": str(port),
        "ASCI_PROXY_INWARD_PORT": str(port + 1),
        "ASCI_PROXY_ADDRESS_BURST": "0",
        "ASCI_PROXY_PERSON_BURST": "0",
        "ASCI_PROXY_PERSON_CONNECTIONS": "100000",
    }


def _restore(port: int) -> bool:
    client = _client(port, "operator")
    now = time.time()
    record = contract.TokenRecord(PERSON, "Measured Person", (), now, now + 86400, 86400)
    try:
        client.set(contract.SENTINEL, "1")
        client.set(contract.token_key(TOKEN_HASH), record.to_json())
        client.sadd(contract.audience_key(INSTANCE), PERSON)
    except redis.RedisError:
        return False
    finally:
        client.close()
    return True


def _is_ready(inward: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{inward}/health/ready", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _client(port: int, user: str) -> redis.Redis:
    return redis.Redis(port=port + 2, username=user, password=redis_users.password(user), socket_timeout=5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--port", type=int, required=True, help="the proxy's; its inward door and Redis are the next two"
    )
    parser.add_argument("--desktop-port", type=int, required=True, help="where the VNC-like server listens")
    parser.add_argument("--tickets", type=int, help="mint so many for a proxy that runs, print them and end")
    parser.add_argument("--cpu", default="", help="core of the proxy")
    parser.add_argument("--store-cpu", default="", help="core of Redis")
    parser.add_argument("--nice", type=int, default=0, help="priority of both")
    parser.add_argument("--python", default=sys.executable, help="the proxy's interpreter")
    options = parser.parse_args()
    if options.tickets:
        sys.stdout.write(mint(options.port, options.desktop_port, options.tickets))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="asci-relay-") as folder, Stage(Path(folder), options.nice) as stage:
        process = start(stage, options.port, options.cpu, options.store_cpu, options.python)
        print(f"pids={process} secret={SECRET} header={COOKIE!r} folder={folder}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
