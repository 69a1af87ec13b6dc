"""A container specification as the Engine API's JSON, with every wall of the desktop contract. Pure."""

from __future__ import annotations

from typing import Any

from asci_api.domain.ports import ContainerSpec, Mount
from asci_api.engine.gpus import DRIVER_CAPABILITIES, device_of

LOG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}}
"""A talkative program must not fill the node's disk."""
WALLS: dict[str, Any] = {
    "CapDrop": ["ALL"],
    "SecurityOpt": ["no-new-privileges"],
    "ReadonlyRootfs": True,
    "Privileged": False,
    "IpcMode": "private",
    "RestartPolicy": {"Name": "no"},
    "LogConfig": LOG,
}
"""The same for every container that ASCI makes."""


def instance_body(
    spec: ContainerSpec, network: str, address: str, cores: float, *, nvidia: bool = False
) -> dict[str, Any]:
    """The body of ``POST /containers/create`` (API 1.41). ``network`` is the bridge's id, ``address`` where the port is
    published, ``cores`` how many the node has: an engine refuses a container that may use more. ``nvidia``: it has
    NVIDIA's runtime; without it GPUs of the ledger are declared ones, and nothing is asked of the engine."""
    port = f"{spec.port}/tcp"
    return {
        "Image": spec.image,
        "Hostname": spec.hostname,
        "User": spec.user,
        "Env": [f"{name}={value}" for name, value in _environment(spec, nvidia).items()],
        "Labels": dict(spec.labels),
        "ExposedPorts": {port: {}} if spec.port else {},
        "HostConfig": {
            **WALLS,
            "NetworkMode": network,
            "PortBindings": {port: [{"HostIp": address, "HostPort": ""}]} if spec.port else {},
            "Mounts": [bind(mount) for mount in spec.mounts],
            "Tmpfs": dict(spec.tmpfs),
            "GroupAdd": list(spec.groups),
            "NanoCpus": round(min(spec.cpus, cores) * 1e9),
            "Memory": spec.memory,
            "MemorySwap": spec.memory,
            "ShmSize": spec.shm,
            "PidsLimit": spec.pids,
            "DeviceRequests": _gpus(spec.gpus) if nvidia else [],
        },
    }


def bind(mount: Mount) -> dict[str, Any]:
    """A folder of the node by the Mount API, which refuses a missing source instead of making it as root."""
    return {"Type": "bind", "Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only}


def _environment(spec: ContainerSpec, nvidia: bool) -> dict[str, str]:
    """With what NVIDIA's runtime reads: without GPUs of its own an instance sees none, whatever its image asks for."""
    if not nvidia:
        return spec.environment
    if not spec.gpus:
        return {**spec.environment, "NVIDIA_VISIBLE_DEVICES": "void"}
    return {**spec.environment, "NVIDIA_DRIVER_CAPABILITIES": DRIVER_CAPABILITIES}


def _gpus(ids: tuple[str, ...]) -> list[dict[str, Any]]:
    devices = [device_of(gpu) for gpu in ids]
    return [{"Driver": "nvidia", "DeviceIDs": devices, "Capabilities": [["gpu"]]}] if devices else []
