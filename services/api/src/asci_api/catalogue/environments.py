"""The catalogue: labelled images, with the operator's overlay, as environments (design, section 8)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError

from asci_api.catalogue.claims import Claim, decide
from asci_api.catalogue.overlay import Overlay
from asci_api.catalogue.schema import EntrySchema, sentences
from asci_api.catalogue.sources import Listing, merged
from asci_api.domain.environment import Environment, Needs
from asci_api.domain.image_names import fetchable
from asci_api.domain.node import NodeImage
from asci_shared.logging import get_logger

_log = get_logger(__name__)


class Catalogue:
    """Reads the images of all nodes into environments; says each thing that is wrong with them once."""

    def __init__(self, overlay: Callable[[], Overlay], listing: Callable[[], Listing | None] = lambda: None) -> None:
        """``listing`` gives what the registry offers; None where there is none."""
        self._overlay = overlay
        self._listing = listing
        self._told: set[str] = set()

    def read(self, images: Sequence[NodeImage]) -> list[Environment]:
        """The environments, by name. Images that cannot be used are left out with a warning in the log."""
        environments, warnings = read_catalogue(images, self._overlay(), self._listing())
        for warning in warnings:
            if warning not in self._told:
                _log.warning("catalogue.image_left_out", detail=warning)
        self._told = set(warnings)
        return environments


def read_catalogue(
    images: Iterable[NodeImage], overlay: Overlay, listing: Listing | None = None
) -> tuple[list[Environment], list[str]]:
    """Environments by name, and a sentence for each image or mount that cannot be used.

    Of several images that claim one name :mod:`~asci_api.catalogue.claims` decides; the same image on several nodes is
    one. Pure.
    """
    claims, warnings = _claims(merged(images, listing), listing)
    found: dict[str, Environment] = {}
    for name, several in claims.items():
        environment, left_out = decide(name, several, overlay.pin(name))
        warnings += left_out
        if environment is not None:
            if not environment.source and listing is None and fetchable(environment.image):
                environment = replace(environment, source=environment.image)
            found[name], undeclared = _offered(environment, overlay, left_out)
            warnings += undeclared
    return [found[name] for name in sorted(found)], warnings


def _offered(environment: Environment, overlay: Overlay, left_out: list[str]) -> tuple[Environment, list[str]]:
    """The environment as the operator wants it, with what is wrong around it; and what is wrong with its mounts."""
    offered = overlay.apply(environment)
    undeclared = [
        f"{offered.image}: mounts {mount}, which the overlay does not declare"
        for mount in offered.mounts
        if mount not in overlay.mounts
    ]
    unreadable = [] if overlay.readable else ["overlay.yaml cannot be read, so nothing is offered"]
    return replace(offered, problems=(*left_out, *undeclared, *unreadable)), undeclared


def _claims(images: Iterable[NodeImage], listing: Listing | None) -> tuple[dict[str, list[Claim]], list[str]]:
    """The images that ask for each name, in their order, and a sentence for each whose label cannot be used."""
    claims: dict[str, list[Claim]] = {}
    warnings: list[str] = []
    host = listing.host if listing else ""
    for image in images:
        if not image.environment or not image.tags:
            continue
        try:
            environment = read_entry(image)
        except ValueError as error:
            warnings.append(f"{image.tags[0]}: {error}")
        else:
            claims.setdefault(environment.name, []).append(Claim(environment, image.tags, host))
    return claims, warnings


def read_entry(image: NodeImage) -> Environment:
    """The environment that an image's label describes. Raises ValueError that names the fields that are wrong."""
    try:
        content = json.loads(image.environment)
    except ValueError as error:
        raise ValueError(f"its label is no JSON ({error})") from error
    try:
        entry: dict[str, Any] = EntrySchema().load(content)
    except ValidationError as error:
        raise ValueError("; ".join(sentences(error.messages))) from error
    return Environment(
        **{
            **entry,
            "needs": Needs(**entry["needs"]),
            "tags": tuple(entry["tags"]),
            "mounts": tuple(entry["mounts"]),
            "image": image.tags[0],
            "image_id": image.id,
            "source": image.digest,
        }
    )
