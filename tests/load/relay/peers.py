"""The systems that the relay is compared with: how each is started in front of the VNC-like server.

A peer that is not installed is named with what is missing, and left out.
"""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

REFERENCES = Path(__file__).parent / "ref"


@dataclass(frozen=True)
class Ports:
    """Where a peer listens, and where the VNC-like server does: plain, and speaking WebSocket itself."""

    own: int
    plain: int
    framed: int


@dataclass(frozen=True)
class Tools:
    """What peers are made of. ``bin`` is where their Python packages' programs are."""

    wsb: Path
    bin: Path
    folder: Path

    def program(self, name: str) -> str | None:
        """The path of an installed program."""
        own = self.bin / name
        return str(own) if own.exists() else shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")

    @property
    def python(self) -> str:
        """The interpreter that has the peers' packages."""
        return str(self.bin / "python") if (self.bin / "python").exists() else sys.executable


@dataclass(frozen=True)
class Peer:
    """One system to compare with."""

    name: str
    what: str
    command: Callable[[Tools, Ports], list[str]]
    programs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)

    def missing(self, tools: Tools) -> list[str]:
        """What would have to be installed."""
        absent = [name for name in self.programs if tools.program(name) is None]
        return absent + [name for name in self.packages if not _has_package(tools, name)]


def _has_package(tools: Tools, name: str) -> bool:
    return any(tools.bin.parent.glob(f"lib/python3*/site-packages/{name}"))


def _copying(tools: Tools, ports: Ports) -> list[str]:
    return [str(tools.wsb), "relay", "--port", str(ports.own), "--target", str(ports.framed), "--copy"]


def _splicing(tools: Tools, ports: Ports) -> list[str]:
    return [str(tools.wsb), "relay", "--port", str(ports.own), "--target", str(ports.framed)]


def _websockify(tools: Tools, ports: Ports) -> list[str]:
    return [str(tools.program("websockify")), f"127.0.0.1:{ports.own}", f"127.0.0.1:{ports.plain}"]


def _bridge(script: str, *more: str) -> Callable[[Tools, Ports], list[str]]:
    def command(tools: Tools, ports: Ports) -> list[str]:
        return [tools.python, str(REFERENCES / script), str(ports.own), str(ports.plain), *more]

    return command


def _nginx(tools: Tools, ports: Ports) -> list[str]:
    folder = tools.folder / f"nginx-{ports.own}"
    folder.mkdir(exist_ok=True)
    spools = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    settings = folder / "nginx.conf"
    settings.write_text(f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error; worker_rlimit_nofile 20000;
user {pwd.getpwuid(os.getuid()).pw_name};
events {{ worker_connections 15000; }}
http {{
    access_log off; {spools}
    server {{
        listen 127.0.0.1:{ports.own} backlog=4096;
        location / {{
            proxy_pass http://127.0.0.1:{ports.framed}; proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
            proxy_read_timeout 1h; proxy_buffering off; proxy_buffer_size 256k; proxy_buffers 8 256k;
        }}
    }}
}}
""")
    return [str(tools.program("nginx")), "-c", str(settings)]


PEERS = (
    Peer("raw-splice", "C, kernel splice, no framing", _splicing),
    Peer("raw-copy", "C, recv and send, no framing", _copying),
    Peer("nginx256k", "nginx with 256k buffers, no framing", _nginx, programs=("nginx",)),
    Peer(
        "picows",
        "picows on uvloop, no authentication",
        _bridge("picows_bridge.py", "uvloop"),
        packages=("picows", "uvloop", "aiofastnet"),
    ),
    Peer("websockify", "websockify, no authentication", _websockify, programs=("websockify",)),
    Peer(
        "naive",
        "async for over aiohttp on uvloop, no authentication",
        _bridge("naive_aiohttp.py", "uvloop"),
        packages=("aiohttp", "uvloop"),
    ),
)
