"""Desktops in containers as the contract wants them run, on a real engine, for tests and benchmarks.

Everything made here carries a label of this run and is removed at the end; nothing else on the engine is touched.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import docker

from tests.support.rfb_client import RfbClient, wait_banner

LABEL = "org.asci.test"
VNC_PORT = 5901


def new_password() -> str:
    """Eight characters as the controller derives them."""
    return base64.b64encode(secrets.token_bytes(6)).decode("ascii")


@dataclass(frozen=True)
class Person:
    """Whose desktop it is."""

    username: str = "mara"
    name: str = "Mara Lind"
    uid: int = 24117
    groups: Mapping[str, int] = field(default_factory=lambda: {"xfm": 30007, "imbl": 30008})

    @property
    def home(self) -> str:
        """Where her home folder is mounted."""
        return f"/home/{self.username}"


@dataclass(frozen=True)
class Said:
    """What a program in a container said, and how it ended."""

    status: int
    text: str


class Engine:
    """The engine of this machine, with what one run of tests makes on it. Use as a context manager."""

    def __init__(self) -> None:
        self.run = secrets.token_hex(6)
        self.api: Any = docker.APIClient(version="auto", timeout=60)
        self.api.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for container in self.api.containers(all=True, filters={"label": f"{LABEL}={self.run}"}):
                remove_container(self.api, container["Id"])
        finally:
            self.api.close()

    def images_of_kind(self, kind: str, tag: str) -> list[str]:
        """Local images of this tag that say they are environments of that kind, of no particular installation."""
        found = []
        for image in self.api.images(filters={"label": "org.asci.environment"}):
            labels = image["Labels"]
            with contextlib.suppress(ValueError):
                said = json.loads(labels["org.asci.environment"]).get("kind")
                names = [name for name in image["RepoTags"] or () if name.endswith(f":{tag}")]
                if said == kind and "org.asci.installation" not in labels and names:
                    found.append(min(names))
        return sorted(found)

    def run_once(
        self, image: str, command: Sequence[str], binds: Sequence[str], capabilities: Sequence[str] = ()
    ) -> Said:
        """Runs a program as root in a container of the image that is gone afterwards; no network, few capabilities."""
        container = self.api.create_container(
            image,
            entrypoint=list(command),
            user="0:0",
            labels={LABEL: self.run},
            host_config=self.api.create_host_config(
                binds=list(binds), network_mode="none", read_only=True, cap_drop=["ALL"], cap_add=list(capabilities),
                security_opt=["no-new-privileges"],
            ),
        )["Id"]  # fmt: skip
        try:
            self.api.start(container)
            status = self.api.wait(container, timeout=30)["StatusCode"]
            return Said(status, self.api.logs(container).decode())
        finally:
            remove_container(self.api, container)

    def make_home(self, image: str, homes: Path, person: Person) -> Said:
        """Makes a person's home as the controller does."""
        return self.run_once(
            image,
            ["/usr/local/lib/asci/make-home", f"/homes/{person.username}", str(person.uid), str(person.uid)],
            [f"{homes}:/homes"],
            ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
        )

    def empty(self, image: str, folder: Path) -> None:
        """Deletes what is in a folder of the host, whoever owns it."""
        self.run_once(
            image, ["find", "/folder", "-mindepth", "1", "-delete"], [f"{folder}:/folder"], ["DAC_OVERRIDE", "FOWNER"]
        )

    def start_desktop(
        self,
        image: str,
        person: Person,
        home: Path | None,
        environment: Mapping[str, str] | None = None,
        *,
        home_mode: str = "rw",
    ) -> DesktopContainer:
        """Starts a desktop exactly as the contract says: no capability, nothing writable but the home and two tmpfs."""
        container = self.api.create_container(
            image,
            user=f"{person.uid}:{person.uid}",
            hostname="desktop",
            labels={LABEL: self.run},
            environment={
                "ASCI_USER": person.username,
                "ASCI_UID": str(person.uid),
                "ASCI_GID": str(person.uid),
                "ASCI_GROUPS": ",".join(f"{name}:{gid}" for name, gid in person.groups.items()),
                "ASCI_NAME": person.name,
                "ASCI_HOME": person.home,
                **(environment or {}),
            },
            host_config=self.api.create_host_config(
                binds=[f"{home}:{person.home}:{home_mode}"] if home else [],
                group_add=[str(gid) for gid in person.groups.values()],
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                read_only=True,
                tmpfs={
                    "/run/asci": f"uid={person.uid},gid={person.uid},mode=0700,size=64m",
                    "/tmp": "exec,mode=1777,size=256m",
                },
                shm_size="256m",
                mem_limit="2g",
                pids_limit=4096,
            ),
        )["Id"]
        desktop = DesktopContainer(self.api, container, person)
        desktop.started = time.monotonic()
        self.api.start(container)
        return desktop


class DesktopContainer:
    """One running desktop."""

    def __init__(self, api: Any, container: str, person: Person) -> None:
        self.api = api
        self.id = container
        self.person = person
        self.control, self.view = new_password(), new_password()
        self.started = 0.0

    # -- the screen

    def address(self) -> tuple[str, int]:
        """Where the desktop listens, on the engine's bridge."""
        networks = self.inspect()["NetworkSettings"]["Networks"]
        address = next(iter(networks.values()))["IPAddress"]
        if not address:
            raise OSError(f"container {self.id[:12]} is not on its network")
        return address, VNC_PORT

    def wait_banner(self) -> float:
        """Waits until VNC answers; returns the monotonic time when it did."""
        return wait_banner(self.address)

    def connect(self, password: str | None = None) -> RfbClient:
        """A viewer with the given password, or the one for control."""
        return RfbClient.connect(*self.address(), password or self.control)

    def set_passwords(self, control: str | None = None, view: str | None = None) -> None:
        """Rewrites both passwords as the controller does: by exec, on standard input, 18 bytes."""
        self.control, self.view = control or self.control, view or self.view
        said = self.exec(["asci-set-passwords"], stdin=f"{self.control}\n{self.view}\n".encode())
        if said.status != 0:
            raise RuntimeError(f"asci-set-passwords ended with {said.status}: {said.text}")

    # -- programs

    def exec(
        self, command: Sequence[str], *, stdin: bytes | None = None, environment: Mapping[str, str] | None = None
    ) -> Said:
        """Runs a program in the container as its user, gives it bytes, and waits for its end."""
        exec_id = self.api.exec_create(
            self.id, list(command), stdin=stdin is not None, environment=self._environment(environment)
        )["Id"]  # fmt: skip
        if stdin is None:
            text = self.api.exec_start(exec_id).decode(errors="replace")
        else:
            text = self._exec_with_input(exec_id, stdin)
        return Said(self.api.exec_inspect(exec_id)["ExitCode"], text)

    def shell(self, script: str, *, environment: Mapping[str, str] | None = None) -> str:
        """What a line of bash prints; raises RuntimeError when it fails."""
        said = self.exec(["bash", "-c", script], environment=environment)
        if said.status != 0:
            raise RuntimeError(f"{script!r} ended with {said.status}: {said.text}")
        return said.text

    def launch(self, command: Sequence[str]) -> None:
        """Starts a program on the screen and does not wait for it."""
        exec_id = self.api.exec_create(self.id, list(command), environment=self._environment(None))["Id"]
        self.api.exec_start(exec_id, detach=True)

    def windows(self) -> list[str]:
        """Class and title of each window that the window manager looks after, panels and desktop included."""
        script = (
            "for id in $(xprop -root _NET_CLIENT_LIST | grep -o '0x[0-9a-f]*'); do "
            """xprop -id "$id" WM_CLASS _NET_WM_NAME | sed -E 's/^[^=]*= ?//' | paste -sd' '; done"""
        )
        return self.shell(script).splitlines()

    # -- the container

    def inspect(self) -> dict[str, Any]:
        """The engine's record of it."""
        return dict(self.api.inspect_container(self.id))

    def logs(self) -> str:
        """All that it wrote so far."""
        return str(self.api.logs(self.id).decode(errors="replace"))

    def wait_end(self, timeout: float = 15.0) -> int:
        """Waits for the container's end and returns its exit status."""
        return int(self.api.wait(self.id, timeout=timeout)["StatusCode"])

    def memory(self) -> int:
        """Bytes of memory in use, without page cache."""
        usage = self.api.stats(self.id, stream=False, one_shot=True)["memory_stats"]
        inside = usage["stats"]
        return int(usage["usage"]) - int(inside.get("total_inactive_file", inside.get("inactive_file", 0)))

    def describe(self) -> str:
        """State, last lines and processes: what a person wants to see when a test failed."""
        state = self.inspect()["State"]
        parts = [f"container {self.id[:12]}: {json.dumps(state, default=str)}", self.logs()]
        if state["Running"]:
            parts.append(self.exec(["ps", "axo", "pid,ppid,stat,args"]).text)
        return "\n".join(parts)

    def remove(self) -> None:
        """Ends it at once and removes it."""
        remove_container(self.api, self.id)

    def _environment(self, extra: Mapping[str, str] | None) -> list[str]:
        values = {"HOME": self.person.home, "LANG": "C.UTF-8", **(extra or {})}
        return [f"{name}={value}" for name, value in values.items()]

    def _exec_with_input(self, exec_id: str, data: bytes) -> str:
        stream = self.api.exec_start(exec_id, socket=True)
        connection: socket.socket = stream._sock
        try:
            connection.settimeout(15)
            connection.sendall(data)
            return _without_frames(b"".join(iter(lambda: connection.recv(65536), b""))).decode(errors="replace")
        finally:
            stream._response.close()
            stream.close()
            connection.close()


def _without_frames(data: bytes) -> bytes:
    """The engine sends output in frames: one byte of stream, three of nothing, four of length."""

    def bodies() -> Iterator[bytes]:
        at = 0
        while at + 8 <= len(data):
            length = int.from_bytes(data[at + 4 : at + 8], "big")
            yield data[at + 8 : at + 8 + length]
            at += 8 + length

    return b"".join(bodies())


def remove_container(api: Any, container: str) -> None:
    """Removes a container of ours, running or not; one that is gone is gone."""
    with contextlib.suppress(docker.errors.NotFound):
        api.remove_container(container, force=True, v=True)
