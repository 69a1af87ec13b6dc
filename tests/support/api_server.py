"""The API as it is run: gunicorn with its own settings file and two workers, on a real Redis, with four people."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from asci_api.store.leader import RedisLeadership
from asci_api.store.redis import connect
from asci_api.store.stores import RedisStore
from tests.support.api_lab import NODE, accounts, password_of
from tests.support.people import DESKTOP
from tests.support.redis_server import RedisServer

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 60.0


class ApiServer:
    """One API process with its workers; ``address`` is where it listens."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="asci-api-"))
        self.redis = RedisServer()
        self.address = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        self.redis.start()
        self.store = RedisStore(connect(self.redis.url))
        self.whole()
        accounts(self.folder)
        (self.folder / "key").write_text(secrets.token_hex(32))
        (self.folder / "metrics").mkdir()
        command = [sys.executable, "-m", "gunicorn", "--config", "services/api/gunicorn.conf.py"]
        command += ["--bind", "127.0.0.1:0"]
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        self._wait()

    @property
    def environment(self) -> dict[str, str]:
        """What its process is told."""
        sources = [ROOT / "services/api/src", ROOT / "services/shared/src"]
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, sources)),
            "PYTHONWARNINGS": "error",
            "ASCI_INSTALLATION": "test",
            "ASCI_REDIS_URL": self.redis.url,
            "ASCI_KEY_FILE": str(self.folder / "key"),
            "ASCI_ACCOUNTS_FILE": str(self.folder / "accounts.json"),
            "ASCI_CONFIG_DIR": str(self.folder),
            "ASCI_TRUSTED_PEERS": "127.0.0.1",
            "PROMETHEUS_MULTIPROC_DIR": str(self.folder / "metrics"),
        }

    @property
    def log_file(self) -> Path:
        return self.folder / "log"

    @property
    def log(self) -> str:
        """Everything that it said."""
        return self.log_file.read_text()

    def whole(self) -> None:
        """What a leader does with an empty Redis: the sentinel, the catalogue, one idle node."""
        leadership = RedisLeadership(self.store.door, "test")
        fence = leadership.acquire()
        assert fence is not None
        leadership.raise_sentinel(fence)
        leadership.release(fence)
        self.store.cluster.put_environments([DESKTOP])
        self.store.cluster.put_nodes([NODE])

    def visitor(self, username: str = "") -> requests.Session:
        """A program; signed in with a Bearer token where a person is named."""
        session = requests.Session()
        session.trust_env = False
        if username:
            answer = self.sign_in(session, username)
            assert answer.status_code == 201, answer.text
            session.cookies.clear()
            session.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return session

    def sign_in(self, session: requests.Session, username: str, **options: Any) -> requests.Response:
        body = {"username": username, "password": password_of(username)}
        return session.post(self.at("/sessions"), json=body, timeout=30, **options)

    def at(self, path: str) -> str:
        """The address of a path below ``/api/v1``."""
        return f"{self.address}/api/v1{path}"

    def close(self) -> None:
        """End it, then its Redis."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
        self.redis.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", self.log):
                self.address = found.group(1)
                if self.log.count("Booting worker") == 2:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"the API did not start:\n{self.log}")
