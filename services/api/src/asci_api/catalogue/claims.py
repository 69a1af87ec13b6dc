"""Which of several images may use an environment's name.

A label is written by whoever builds the image, and so is its time of creation: neither gives a right to a name. The
operator's pin does; then the repository that ASCI's own build uses; then being the only repository. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from asci_api.domain.environment import Environment

_LEAST_OF_AN_ID = 12
"""Hexadecimal digits of a shortened id, as engines print it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An image whose label asks for the name. ``tags`` are its references; ``environment.image`` is the first."""

    environment: Environment
    tags: tuple[str, ...]
    registry: str = ""
    """Address of ASCI's own registry, under which images keep the names that they were built under."""

    @property
    def repositories(self) -> frozenset[str]:
        return frozenset(map(self.repository, self.tags))

    def repository(self, tag: str) -> str:
        """Without tag, digest, and the registry's address."""
        bare = repository(tag)
        return bare.removeprefix(f"{self.registry}/") if self.registry else bare


def decide(name: str, claims: Sequence[Claim], pin: str) -> tuple[Environment | None, list[str]]:
    """The environment of that name, if any, and a sentence for each image that is left out.

    ``claims`` is not empty; of those with an equal right the first wins (engines list the newest first).
    """
    if pin:
        found = next((one for claim in claims if (one := _pinned(claim, pin))), None)
        missing = [] if found else [f"{name}: the overlay pins {pin}, which is no image of that name"]
        return found, missing + _left_out(claims, found, f"the overlay pins {pin}")
    own = f"asci/env-{name}"
    found = next((one for claim in claims if (one := _from(claim, own))), None)
    if found is None and _strangers(claims):
        return None, [_undecided(name, claims)]
    found = found or claims[0].environment
    return found, _left_out(claims, found, f"its name {name} belongs to {found.image} already; {_how_to_pin(name)}")


def repository(reference: str) -> str:
    """A reference without its tag or digest."""
    path, slash, last = reference.partition("@")[0].rpartition("/")
    return path + slash + last.partition(":")[0]


def _pinned(claim: Claim, pin: str) -> Environment | None:
    wanted = pin if ":" in pin.rpartition("/")[2] else f"{pin}:latest"
    for tag in (f"{claim.registry}/{wanted}", wanted):
        if tag in claim.tags:
            return replace(claim.environment, image=tag)
    digits = pin.removeprefix("sha256:")
    known = claim.environment.image_id.removeprefix("sha256:")
    return claim.environment if len(digits) >= _LEAST_OF_AN_ID and known.startswith(digits) else None


def _from(claim: Claim, wanted: str) -> Environment | None:
    tag = next((one for one in claim.tags if claim.repository(one) == wanted), None)
    return None if tag is None else replace(claim.environment, image=tag)


def _strangers(claims: Sequence[Claim]) -> bool:
    """Whether the claims are of several images that have no repository in common."""
    several = len({claim.environment.image_id for claim in claims}) > 1
    return several and not frozenset.intersection(*(claim.repositories for claim in claims))


def _left_out(claims: Sequence[Claim], found: Environment | None, why: str) -> list[str]:
    others = [
        claim.environment.image
        for claim in claims
        if found is None or (claim.environment.image_id != found.image_id and found.image not in claim.tags)
    ]
    return [f"{image}: {why}" for image in dict.fromkeys(others)]


def _undecided(name: str, claims: Sequence[Claim]) -> str:
    images = " and ".join(dict.fromkeys(claim.environment.image for claim in claims))
    return f"{images} all ask for the name {name}, so none is offered; {_how_to_pin(name)}"


def _how_to_pin(name: str) -> str:
    return f"the overlay can choose one: environments.{name}.image"
