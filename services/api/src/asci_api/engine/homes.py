"""Makes a person's home folder by a one-shot container (design, section 8)."""

from __future__ import annotations

import time
from typing import Any

from docker.errors import APIError

from asci_api.domain.environment import MIB
from asci_api.domain.errors import EngineFault, SourceMissing
from asci_api.domain.identity import USERNAME, Username
from asci_api.domain.instance import Hop
from asci_api.domain.ports import Mount
from asci_api.engine import labels
from asci_api.engine.clients import Clients
from asci_api.engine.container_body import WALLS, bind
from asci_api.engine.container_spec import Homes
from asci_api.engine.faults import CONFLICT, NOT_FOUND, translated

PROGRAM = "/usr/local/lib/asci/make-home"
"""In ASCI's base image: ``make-home <folder> <uid> <gid>``."""
WITHIN = "/homes"
SECONDS = 20.0
"""How long making a home may take."""
_CAUSE = "Your home folder could not be made."


def make_home(
    clients: Clients, installation: str, homes: Homes, username: Username, uid: int, gid: int, image: str
) -> None:
    """Make ``homes/username`` with its owner, mode 0700 and skeleton; one that is there with that owner is fine.

    Raises ``EngineFault`` (mount) where the program refuses, the folder of all homes is missing, or homes are made by
    somebody else; ``ImageMissing``."""
    if not USERNAME.fullmatch(username):
        raise EngineFault(Hop.MOUNT, _CAUSE, f"{username!r} is no user name.")
    if homes.external:
        raise _made_elsewhere(homes, username, uid, gid)
    name = labels.home_job_name(installation, username)
    body = home_body(installation, homes, username, uid, gid, image)
    try:
        with translated(clients.address.node, Hop.MOUNT, _CAUSE, image=image, sources=(homes.folder,)):
            _create(clients, name, body)
    except SourceMissing as fault:
        raise _no_homes(homes) from fault
    with translated(clients.address.node, Hop.MOUNT, _CAUSE):
        code, said = _run(clients, name)
    if code != 0:
        detail = f"{homes.of(username)}: {said or f'make-home ended with {code}'}"
        raise EngineFault(Hop.MOUNT, _CAUSE, detail, "Ask support: the folder needs a look.")


def home_body(installation: str, homes: Homes, username: Username, uid: int, gid: int, image: str) -> dict[str, Any]:
    """The one-shot container as the Engine API's JSON: root with three capabilities, and no network."""
    return {
        "Image": image,
        "User": "0:0",
        "Entrypoint": [PROGRAM],
        "Cmd": [f"{WITHIN}/{username}", str(uid), str(gid)],
        "WorkingDir": "/",
        "Healthcheck": {"Test": ["NONE"]},
        # the empty one hides what the image may say
        "Labels": {labels.INSTALLATION: installation, labels.JOB: "home", labels.INSTANCE: ""},
        "HostConfig": {
            **WALLS,
            "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
            "NetworkMode": "none",
            "Mounts": [bind(Mount(homes.folder, WITHIN))],
            "Memory": 64 * MIB,
            "PidsLimit": 32,
        },
    }


def _create(clients: Clients, name: str, body: dict[str, Any]) -> None:
    """Make the job. One of that name may be there: left behind, or somebody else's who starts the same person."""
    client: Any = clients.get()
    try:
        client.create_container_from_config(body, name=name)
    except APIError as error:
        if error.status_code != CONFLICT:
            raise


def _run(clients: Clients, name: str) -> tuple[int | None, str]:
    """Exit code (None: not in time) and last words. A job that goes away meanwhile was finished by somebody else: the
    next create of the desktop tells whether the home is there."""
    client: Any = clients.get()
    try:
        client.start(name)
        code = _wait(client, name)
        said = client.logs(name, tail=3).decode(errors="replace").strip()[-300:] if code else ""
    except APIError as error:
        if error.status_code not in {NOT_FOUND, CONFLICT}:
            raise
        return 0, ""
    finally:
        _remove(client, name)
    return code, said


def _wait(client: Any, name: str) -> int | None:
    """Polled, because one long call would outlast the leader's lease."""
    deadline = time.monotonic() + SECONDS
    pause = 0.02
    while time.monotonic() < deadline:
        state = client.inspect_container(name)["State"]
        if state["Status"] == "exited":
            return int(state["ExitCode"])
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
    return None


def _remove(client: Any, name: str) -> None:
    try:
        client.remove_container(name, force=True)
    except APIError as error:
        if error.status_code not in {NOT_FOUND, CONFLICT}:
            raise


def _made_elsewhere(homes: Homes, username: Username, uid: int, gid: int) -> EngineFault:
    return EngineFault(
        Hop.MOUNT,
        "Your home folder does not exist yet.",
        f"{homes.of(username)} is missing on the node, and this site makes home folders itself (ASCI_HOMES=external).",
        f"Ask support to make it, owned by uid {uid} and gid {gid}, with mode 0700.",
    )


def _no_homes(homes: Homes) -> EngineFault:
    return EngineFault(
        Hop.MOUNT,
        _CAUSE,
        f"The folder of all homes, {homes.folder}, does not exist on the node.",
        "Ask support: the node's file system for homes may not be mounted.",
    )
