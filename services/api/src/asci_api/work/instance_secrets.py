"""Which secret an instance is given, and how: the program of its image that takes it, and the bytes on its input.

Every instance with a port authenticates its upstream, since neighbours on the bridge may connect (design, section 5).
"""

from __future__ import annotations

from asci_api.domain.environment import Kind
from asci_api.domain.instance import Instance
from asci_shared.passwords import desktop_secret, upstream_proof, upstream_secret
from asci_shared.redis_contract import Mode

SET_PASSWORDS = ("asci-set-passwords",)
SET_UPSTREAM = ("asci-set-upstream",)


def has_secret(instance: Instance) -> bool:
    """Whether there is a door to guard: desktops, web applications, and services that listen."""
    return instance.kind is Kind.DESKTOP or instance.port != 0


def secrets_due(instance: Instance) -> bool:
    """Whether the instance lacks a secret of its present generations."""
    return has_secret(instance) and instance.generations.due


def secret_input(key: bytes, instance: Instance) -> tuple[tuple[str, ...], bytes]:
    """The program to run in the container and its input, of a length that the program knows.

    Desktops: two VNC passwords of 8 characters, for control and for watching. Others: what recognizes the upstream
    secrets of the present generation and of the next, 64 characters each. So the next one counts from the moment that
    it is raised, before the controller has written anything; and whoever reads the file cannot show what it recognizes.
    """
    if instance.kind is Kind.DESKTOP:
        modes = (Mode.CONTROL, Mode.VIEW)
        return SET_PASSWORDS, _lines(
            *(desktop_secret(key, instance.id, mode, instance.generations.of(mode)) for mode in modes)
        )
    now = instance.generations.control
    proofs = (upstream_proof(upstream_secret(key, instance.id, generation)) for generation in (now, now + 1))
    return SET_UPSTREAM, _lines(*proofs)


def _lines(*words: str) -> bytes:
    return "".join(f"{word}\n" for word in words).encode("ascii")
