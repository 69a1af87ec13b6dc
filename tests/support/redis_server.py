"""A Redis of the test's own: real ``redis-server`` (or ``valkey-server``) on a Unix socket in a folder that goes away.

::

    with RedisServer() as server:
        client = redis.Redis.from_url(server.url)

With ``tcp=True`` it listens on a free port of 127.0.0.1 as well, and ``url`` is that port's.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

STARTS_WITHIN = 10.0


def program() -> str | None:
    """The server's program, or None where neither Redis nor Valkey is installed."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


class RedisServer:
    """One server process; its append-only file survives :meth:`stop` and :meth:`kill` until :meth:`close`."""

    def __init__(self, *, tcp: bool = False, acl: str = "", options: tuple[str, ...] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="asci-redis-"))
        self.socket = self.folder / "redis.sock"
        self.port = _free_port() if tcp else 0
        self._options = options
        if acl:
            (self.folder / "users.acl").write_text(acl)
            self._options += ("--aclfile", str(self.folder / "users.acl"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For ``redis.Redis.from_url``."""
        return f"redis://127.0.0.1:{self.port}/0" if self.port else f"unix://{self.socket}?db=0"

    def url_of(self, user: str, password: str) -> str:
        """For one of the users of the ACL file."""
        return self.url.replace("://", f"://{user}:{password}@", 1)

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What the server said."""
        return (self.folder / "log").read_text()

    def start(self) -> None:
        """Start it, or start it again on the data that it has; returns when it answers."""
        name = program()
        if name is None:
            raise RuntimeError("redis-server is not installed: apt-get install redis-server")
        command = [name, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket)]
        command += ["--dir", str(self.folder), "--appendonly", "yes", "--save", "", "--hz", "100", *self._options]
        with (self.folder / "log").open("ab") as log:
            said = len(self.log)
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + STARTS_WITHIN
        while not self._is_ready(said):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"redis-server did not start:\n{self.log}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.send_signal(signal.SIGCONT)
        self._process.wait(10.0)
        self._process = None
        self.socket.unlink(missing_ok=True)

    def _is_ready(self, since: int) -> bool:
        """Whether its log says so from this length on. PING would not tell: it is refused while data is still read."""
        return "ready to accept connections" in self.log[since:].lower()


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port
