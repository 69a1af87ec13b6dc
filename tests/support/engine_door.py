"""A door before the machine's container engine, which a test can shut: for those behind it the engine is then down.

It runs as a process of its own (``python engine_door.py DOOR ENGINE``), so that a busy test never slows the bytes.
Commands come on standard input, one a line, each answered with the same word on standard output:

- ``open``: new connections reach the engine.
- ``shut``: connections that stand are cut, new ones are cut at once.

It ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, cast


class EngineDoor:
    """The door's process, as a test holds it."""

    def __init__(self, path: Path, engine: Path) -> None:
        self.path = path
        command = [sys.executable, __file__, str(path), str(engine)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._say("open")

    @property
    def address(self) -> str:
        """For ``DOCKER_HOST``."""
        return f"unix://{self.path}"

    def open(self) -> None:
        """The engine answers again."""
        self._say("open")

    def shut(self) -> None:
        """The engine is down."""
        self._say("shut")

    def close(self) -> None:
        """End the process and remove the socket."""
        cast("IO[str]", self._process.stdin).close()
        self._process.wait(10.0)
        cast("IO[str]", self._process.stdout).close()
        self.path.unlink(missing_ok=True)

    def _say(self, word: str) -> None:
        into, out = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        into.write(f"{word}\n")
        into.flush()
        answer = out.readline().strip()
        if answer != word:
            raise RuntimeError(f"the engine's door answered {answer!r} to {word!r}")


class _Door:
    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._is_open = True
        self._standing: set[asyncio.StreamWriter] = set()

    def set_open(self, is_open: bool) -> None:
        self._is_open = is_open
        for writer in [] if is_open else list(self._standing):
            writer.transport.abort()

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:
            writer.transport.abort()
            return
        engine_reader, engine_writer = await asyncio.open_unix_connection(self._engine)
        both = {writer, engine_writer}
        self._standing |= both
        try:
            await asyncio.gather(_pour(reader, engine_writer), _pour(engine_reader, writer))
        finally:
            self._standing -= both
            for end in both:
                end.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes until the end, which is passed on: the engine's attached calls speak half-closed."""
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def _serve(path: str, engine: str) -> None:
    door = _Door(engine)
    server = await asyncio.start_unix_server(door.enter, path)
    real = Path(engine).stat()
    os.chown(path, -1, real.st_gid)
    Path(path).chmod(real.st_mode & 0o777)
    async with server:
        while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
            door.set_open(word == "open")
            print(word, flush=True)
        os._exit(0)  # whatever still flows is cut, without a word from each of its tasks


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2]))
