"""Bytes into a program inside a container, by exec on its standard input: the way of secrets.

The program must read a known length, because the input is never shut: over TLS the engine's answers after a shutdown
arrive as raw ciphertext. The engine closes the stream itself when the program has ended.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from typing import Any

from asci_api.domain.errors import EngineFault
from asci_api.domain.instance import Hop
from asci_api.engine.clients import QUICK_SECONDS, Clients
from asci_api.engine.faults import translated

_HEADER = struct.Struct(">BxxxL")
_MOST_OUTPUT = 4096
_CAUSE = "The session could not be given its secret."


def exec_write(clients: Clients, container: str, user: str, command: Sequence[str], data: bytes) -> str:
    """Run ``command`` as ``user`` and give it ``data``; returns what it said, at most 300 characters.

    Raises ``EngineFault`` (container) unless it ends with 0 in time. What it said is told only where it holds nothing
    of ``data``."""
    with translated(clients.address.node, Hop.CONTAINER, _CAUSE):
        client = clients.get()
        made = client.exec_create(container, list(command), user=user, stdin=True, stdout=True, stderr=True)
        stream: Any = client.exec_start(made["Id"], socket=True)
        sock = getattr(stream, "_sock", stream)
        try:
            said = _converse(sock, data)
        finally:
            _close(stream, sock)
        code = _exit_code(client, made["Id"])
    if code != 0:
        raise EngineFault(Hop.CONTAINER, _CAUSE, _detail(command[0], code, said, data), "Try again in a moment.")
    return _clean(said, data)


def _converse(sock: Any, data: bytes) -> bytes:
    """Send everything, then read until the engine closes; at most :data:`QUICK_SECONDS`. The frames as they came."""
    deadline = time.monotonic() + QUICK_SECONDS
    sock.settimeout(QUICK_SECONDS)
    sock.sendall(data)
    said = b""
    while chunk := sock.recv(_MOST_OUTPUT):
        said = (said + chunk)[:_MOST_OUTPUT]
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
    return said


def _close(stream: Any, sock: Any) -> None:
    """Everything that the SDK has open on the connection: over TLS it hides the response in the socket."""
    response = getattr(stream, "_response", None)
    if response is not None:
        response.close()
    stream.close()
    sock.close()


def _exit_code(client: Any, exec_id: str) -> int | None:
    """The exit code; None if the program still runs a second after its output ended."""
    pause = 0.002
    while pause < 0.6:
        facts = client.exec_inspect(exec_id)
        if not facts["Running"]:
            return int(facts["ExitCode"])
        time.sleep(pause)
        pause *= 2
    return None


def _detail(program: str, code: int | None, said: bytes, data: bytes) -> str:
    ended = "did not end" if code is None else f"ended with {code}"
    return f"{program} {ended}. {_clean(said, data)}".strip()


def _clean(said: bytes, data: bytes) -> str:
    """What it said; nothing where that holds any of ``data``."""
    text = _text(said)
    return "" if any(part in text.encode() for part in data.split()) else text


def _text(frames: bytes) -> str:
    """The contents of the engine's frames (8 bytes of header each), the last one maybe cut."""
    parts = []
    while len(frames) >= _HEADER.size:
        _, length = _HEADER.unpack_from(frames)
        parts.append(frames[_HEADER.size : _HEADER.size + length])
        frames = frames[_HEADER.size + length :]
    return b"".join(parts).decode(errors="replace").strip()[:300]
