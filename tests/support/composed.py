"""A composed installation of the tests' own: started by the project's scripts, looked at through the engine.

Everything carries the installation's name, so that it stands beside others on one engine and is swept by its label.
Knows no service from inside: only scripts, labels of containers, the published port and files of the state folder.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import redis
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from tests.support.engine_door import EngineDoor
from tests.support.eventually import eventually
from tests.support.secrets_seen import SecretsSeen

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("edge", "webui", "adminui", "api", "controller", "proxy", "redis")
UP_SECONDS = 1800.0  # the images may have to be built first


def docker(*arguments: str, given: str | None = None, timeout: float = 60.0) -> str:
    """What a docker command says. Raises RuntimeError with its complaint."""
    done = subprocess.run(
        ["docker", *arguments], input=given, capture_output=True, text=True, timeout=timeout, check=False
    )
    if done.returncode:
        raise RuntimeError(f"docker {' '.join(arguments[:3])} … ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def docker_bytes(*arguments: str) -> bytes:
    """Both streams of a docker command, as bytes."""
    return subprocess.run(
        ["docker", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=True
    ).stdout


def engine_socket() -> Path:
    """Where this machine's engine listens."""
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return Path(address.removeprefix("unix://"))


class Installation:
    """One installation: ``up``, what tests do to it, ``clean``. Its engine can be shut off by :attr:`engine`."""

    def __init__(self, seen: SecretsSeen, *, prefix: str = "e2e", build: bool = True) -> None:
        self.name = f"{prefix}{secrets.token_hex(2)}"
        self.folder = ROOT / ".build" / "e2e" / self.name
        self.state = self.folder / "state"
        self.port = _free_port()
        self.url = f"http://localhost:{self.port}"
        self._seen = seen
        self._build = build
        self._redis: redis.Redis | None = None
        self._settings: dict[str, str] = {}
        self._mine = True
        self.folder.mkdir(parents=True)
        self.engine = EngineDoor(_door_path(self.folder), engine_socket())

    @classmethod
    def standing(cls, seen: SecretsSeen, state: Path, *, behind_door: bool = True) -> Self:
        """An installation that is up already, by its state folder; whoever started it cleans it.

        Its engine is put behind a door, for which :meth:`up` replaces the containers that use it; or left as it is."""
        one = cls.__new__(cls)
        settings = dict(line.split("=", 1) for line in (state / "compose.env").read_text().splitlines() if "=" in line)
        one.name, one.state, one.folder = settings["ASCI_INSTALLATION"], state, ROOT / ".build" / "e2e" / state.name
        one.port, one.url = int(settings["ASCI_PORT"]), settings["ASCI_PUBLIC_URL"]
        one._seen, one._build, one._redis, one._settings, one._mine = seen, False, None, {}, False
        one.folder.mkdir(parents=True, exist_ok=True)
        one.engine = EngineDoor(_door_path(one.folder), engine_socket())
        if not behind_door:
            one.engine.close()
            one._settings["DOCKER_HOST"] = f"unix://{engine_socket()}"
        return one

    # -- coming and going

    def up(self, **settings: str) -> None:
        """Brings it up and waits until the portal answers. Settings are ``ASCI_…`` variables."""
        self._settings = {**self._settings, **settings}
        if self._build:
            self._script("up", timeout=UP_SECONDS)
        else:
            self._up_without_building()
        self._redis = None
        self._remember_secrets()

    def up_again(self) -> None:
        """Brings it up after :meth:`down`; nothing has to be built."""
        self._up_without_building()
        self._redis = None

    def down(self) -> None:
        """Stops everything, as ``make down``."""
        self._script("down", timeout=120.0)

    def clean(self) -> None:
        """Removes everything that it made, whatever state it is in; of one that stood before, only what tests added."""
        if self._mine:
            with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
                self._script("clean", "--keep-images", timeout=120.0)
            self._sweep()
        self._sweep_images()
        self.engine.close()
        if self._mine:
            shutil.rmtree(self.folder, ignore_errors=True)

    def leave(self) -> None:
        """Leaves it up, with nothing between it and the engine."""
        self._settings["DOCKER_HOST"] = f"unix://{engine_socket()}"
        self._up_without_building()
        self.engine.close()

    def add_person(self, username: str, full_name: str) -> str:
        """Adds a person as ``make user`` does; gives her password."""
        said = self._script("accounts", "add", username, "--fullname", full_name, timeout=60.0)
        found = re.search(rf"^{re.escape(username)}\s+(\S+)$", said, re.MULTILINE)
        assert found, f"scripts/accounts add printed no password: {said!r}"
        return self._seen.add(found[1], f"password of {username}")

    def password(self, username: str) -> str:
        """The generated password of ``demo`` or ``admin``."""
        return (self.state / "secrets" / f"{username}_password").read_text().strip()

    def add_environment(self, entry: dict[str, Any], lines: str = "", base: str = "env-desktop") -> str:
        """Builds an environment that only this installation shows, on one of ASCI's images; gives the image's name."""
        image = f"asci/env-{entry['name']}-{self.name}:test"
        labels = [
            "--label",
            f"org.asci.environment={json.dumps(entry)}",
            "--label",
            f"org.asci.installation={self.name}",
        ]
        dockerfile = f"FROM asci/{base}:{os.environ.get('ASCI_TAG', 'dev')}\n{lines}\n"
        subprocess.run(
            ["docker", "build", "--quiet", *labels, "--label", f"org.asci.trial={entry['name']}", "--tag", image, "-"],
            input=dockerfile, text=True, capture_output=True, timeout=120, check=True,
            env={**os.environ, "DOCKER_BUILDKIT": "0"},
        )  # fmt: skip
        return image

    # -- its containers

    def containers(self, *, instances: bool = True) -> list[str]:
        """Ids of all its containers, ended ones included."""
        found = docker(
            "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label=org.asci.installation={self.name}"
        ).split()
        return found if instances else [c for c in found if not _label(c, "org.asci.instance")]

    def service(self, role: str) -> str:
        """The id of a service's container."""
        label = f"label=org.asci.role={role}"
        found = docker(
            "ps",
            "--all",
            "--quiet",
            "--no-trunc",
            "--filter",
            f"label=org.asci.installation={self.name}",
            "--filter",
            label,
        ).split()
        assert len(found) == 1, f"{len(found)} containers of the {role}"
        return found[0]

    def instance(self, name: str) -> str | None:
        """The id of an instance's container; None when there is none."""
        found = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"name=^/?asci-{self.name}-{name}$").split()
        return found[0] if found else None

    def kill(self, role: str) -> None:
        """``kill -9`` of a service's first process; the engine starts it again."""
        container = self.service(role)
        pid = int(inspect(container)["State"]["Pid"])
        try:
            os.kill(pid, 9)
        except (
            PermissionError,
            ProcessLookupError,
        ):  # the engine's processes are not ours: its own kill, which starts nothing again
            docker("kill", container)
            docker("start", container)

    def restarts(self, role: str) -> int:
        """How often the engine started a service again."""
        return int(inspect(self.service(role))["RestartCount"])

    def stop(self, role: str) -> None:
        """A service is away until :meth:`start`."""
        docker("stop", "--time", "3", self.service(role))

    def start(self, role: str) -> None:
        """It is back, perhaps at another address."""
        docker("start", self.service(role))
        self._redis = None

    def pause(self, role: str) -> None:
        """Silence: connections stand, nothing answers."""
        docker("pause", self.service(role))

    def unpause(self, role: str) -> None:
        docker("unpause", self.service(role))

    def wait_ready(self, *, within: float = 60.0) -> None:
        """Until every service is ready and the portal answers."""
        self._script("wait", str(int(within)), timeout=within + 30)

    def close_windows(self, name: str) -> None:
        """Ends the terminals that an earlier test left on a desktop."""
        words = (
            "for p in /proc/[0-9]*; do case $(cat $p/comm 2>/dev/null) in mate-terminal) kill ${p#/proc/};; esac; done"
        )
        docker("exec", self.instance(name) or "", "sh", "-c", words)

    def vnc_passwords(self, instance: str) -> tuple[str, str]:
        """A desktop's own secrets, for control and for view, read in its container."""
        raw = base64.b64decode(docker("exec", self.instance(instance) or "", "base64", "/run/asci/vncpasswd"))
        control, view = _unveil(raw[:8]), _unveil(raw[8:16])
        self._seen.add(control, "a desktop's secret for control")
        self._seen.add(view, "a desktop's secret for view")
        return control, view

    def upstream_secret(self, instance: str, generation: int = 1) -> str:
        """What the proxy shows to a web application, derived from the installation's key as docs/reference says."""
        key = (self.state / "secrets" / "asci_key").read_bytes().strip()
        mac = hmac.new(key, "\x00".join(("upstream", instance, str(generation))).encode(), hashlib.sha256)
        secret = base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")
        return self._seen.add(secret, "an application's upstream secret")

    def published(self, instance: str) -> tuple[str, int]:
        """Address and port at which an instance is reached on the node."""
        ports = inspect(self.instance(instance) or "")["NetworkSettings"]["Ports"]
        (bindings,) = (found for found in ports.values() if found)
        return bindings[0]["HostIp"], int(bindings[0]["HostPort"])

    # -- its data

    def redis(self) -> redis.Redis:
        """Redis, as the operator."""
        if self._redis is None:
            container = self.service("redis")
            networks = inspect(container)["NetworkSettings"]["Networks"]
            password = (self.state / "secrets" / "redis_operator").read_text().strip()
            self._redis = redis.Redis(
                host=next(iter(networks.values()))["IPAddress"],
                username="operator",
                password=password,
                socket_timeout=5,
            )
        return self._redis

    def home_file(self, username: str, path: str) -> str | None:
        """A file in somebody's home on the machine; None when it is not there."""
        file = self.state / "homes" / username / path
        return file.read_text() if file.exists() else None

    # -- evidence

    def evidence(self) -> str:
        """States, the end of each log, and how each container is set up: for whoever reads a failure."""
        parts = [docker("ps", "--all", "--filter", f"label=org.asci.installation={self.name}")]
        for container in self.containers():
            facts = inspect(container)
            short = {key: facts[key] for key in ("Name", "State", "RestartCount")} | {
                "Image": facts["Config"]["Image"], "Mounts": facts["Mounts"],
                "Networks": facts["NetworkSettings"]["Networks"],
            }  # fmt: skip
            log = docker_bytes("logs", "--tail", "80", container).decode(errors="replace")
            parts.append(f"--- {facts['Name']}\n{json.dumps(short, indent=1)[:4000]}\n{log}")
        return "\n".join(parts)

    # -- inside

    def _environment(self) -> dict[str, str]:
        plain = {key: value for key, value in os.environ.items() if not key.startswith("ASCI_") or key == "ASCI_TAG"}
        own = {
            "ASCI_INSTALLATION": self.name,
            "ASCI_PORT": str(self.port),
            "ASCI_STATE": str(self.state),
            "YES": "1",
            "NO_COLOR": "1",
        }
        return {**plain, **own, "DOCKER_HOST": self.engine.address, **self._settings}

    def script(self, name: str, *arguments: str, timeout: float = 240.0) -> str:
        """One of the project's scripts, run on it; what it said. Raises RuntimeError."""
        return self._script(name, *arguments, timeout=timeout)

    def _script(self, name: str, *arguments: str, timeout: float) -> str:
        done = subprocess.run(
            [ROOT / "scripts" / name, *arguments],
            cwd=ROOT, env=self._environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(
                f"scripts/{name} ended with {done.returncode}:\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
            )
        return done.stdout

    def _up_without_building(self) -> None:
        """The last steps of ``scripts/up``, for work on the tests: with the images as they are."""
        self._script("state", timeout=60.0)
        self._script("accounts", "ensure", timeout=60.0)
        compose = (
            "; ".join(f"source scripts/lib/{part}.sh" for part in ("settings", "say", "engine"))
            + "; compose up --detach"
        )
        subprocess.run(
            ["bash", "-ceu", compose], cwd=ROOT, env=self._environment(), capture_output=True, timeout=120, check=True
        )
        self._script("wait", timeout=180.0)

    def _remember_secrets(self) -> None:
        for file in sorted((self.state / "secrets").iterdir()):
            if file.name != "redis_users.acl" and not file.name.startswith("accounts_given"):
                self._seen.add(file.read_text().strip(), file.name)

    def _sweep(self) -> None:
        label = f"label=org.asci.installation={self.name}"
        for list_them, remove in (
            (("ps", "--all", "--quiet"), ("rm", "--force", "--volumes")),
            (("network", "ls", "--quiet"), ("network", "rm")),
            (("volume", "ls", "--quiet"), ("volume", "rm")),
        ):
            for one in sorted(set(docker(*list_them, "--filter", label).split())):
                with contextlib.suppress(RuntimeError):
                    docker(*remove, one)

    def _sweep_images(self) -> None:
        for image in sorted(
            set(docker("images", "--quiet", "--filter", f"label=org.asci.installation={self.name}").split())
        ):
            with contextlib.suppress(RuntimeError):
                docker("rmi", "--force", image)


def _door_path(folder: Path) -> Path:
    """A new name each time, so that compose replaces containers that hold an older door."""
    return folder / f"engine-{secrets.token_hex(2)}.sock"


def inspect(container: str) -> dict[str, Any]:
    """``docker inspect`` of one container."""
    return dict(json.loads(docker("inspect", container))[0])


def processes_gone(pid: int, *, within: float = 10.0) -> None:
    """Waits for the end of a process of this machine."""
    eventually(lambda: not Path(f"/proc/{pid}").exists(), within=within, what=f"the end of process {pid}")


def control_group_memory(container: str) -> int:
    """Memory of a container without page cache, in bytes; what lies on a tmpfs counts. For cgroup v1 and v2."""
    stats = _stats(container)["memory_stats"]
    details = stats["stats"]
    total = "total_" if "total_active_file" in details else ""  # v1 tells its own and, as total, what is below
    return int(stats["usage"]) - int(details[f"{total}active_file"]) - int(details[f"{total}inactive_file"])


def cpu_seconds(container: str) -> float:
    """Processor time that a container has used since it started."""
    return float(_stats(container)["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9


def _stats(container: str) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(20.0)
        door.connect(str(engine_socket()))
        door.sendall(
            f"GET /containers/{container}/stats?stream=false&one-shot=true HTTP/1.0\r\nHost: engine\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: door.recv(1 << 16), b""))
    return dict(json.loads(answer.split(b"\r\n\r\n", 1)[1]))


def _label(container: str, label: str) -> str:
    return str(inspect(container)["Config"]["Labels"].get(label, ""))


def _unveil(veiled: bytes) -> str:
    """A password of a VncAuth file: veiled under a key that everybody knows, its bytes' bits mirrored as ever."""
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in (23, 82, 107, 6, 35, 78, 88, 7))
    decryptor = Cipher(TripleDES(key * 3), modes.ECB()).decryptor()  # noqa: S305 - the file's format
    return (decryptor.update(veiled) + decryptor.finalize()).rstrip(b"\0").decode("ascii")


def _free_port() -> int:
    """A port that is free now and that browsers do not refuse."""
    refused = {5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 10080}
    while True:
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            port = int(door.getsockname()[1])
        if port not in refused:
            return port


def seconds_since(start: float) -> str:
    """For reports: ``1.23 s``."""
    return f"{time.monotonic() - start:.2f} s"
