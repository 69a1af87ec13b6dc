"""Processes of the benchmark: started pinned to a core, ended together, whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_STARTS_WITHIN = 20.0


class Stage:
    """Everything that was started for one run."""

    def __init__(self, folder: Path, nice: int) -> None:
        self.folder, self._nice = folder, nice
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, cpu: str, command: Sequence[str], ready: Callable[[], bool], **environ: str) -> int:
        """Start it on core ``cpu``; its process id once ``ready()``. Raises RuntimeError with its last words."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self.pinned(cpu, command), stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=self.folder,
                env=os.environ | environ, start_new_session=True,
            )  # fmt: skip
        self._processes.append(process)
        deadline = time.monotonic() + _STARTS_WITHIN
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start: {log.read_text()[-600:].strip()}")
            time.sleep(0.05)
        return process.pid

    def pinned(self, cpu: str, command: Sequence[str]) -> list[str]:
        """``command`` on core ``cpu``; all sides of the comparison get the same priority."""
        return ["nice", "-n", str(self._nice), *(["taskset", "-c", cpu] if cpu else []), *command]

    def close(self) -> None:
        """End all that was started, children included."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in self._processes:
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, number)
            _wait_for_all(self._processes, 5.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def listens(port: int) -> bool:
    """Whether somebody accepts on ``port`` of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True


def _wait_for_all(processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
