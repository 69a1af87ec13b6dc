"""The operator's word over the catalogue: ``overlay.yaml`` in the configuration folder.

::

    environments:
      desktop: {title: Linux desktop (XFM), allow: {groups: [XFM]}, needs: {memory: 4 GiB}, mounts: [data]}
      old-desktop: {enabled: false}
      matlab: {image: "asci/env-matlab:r2026a"}
    mounts:
      data: {source: /srv/data, target: /data, read_only: true}
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from marshmallow import ValidationError

from asci_api.catalogue.changes import FileWatch
from asci_api.catalogue.schema import OverlaySchema, sentences
from asci_api.domain.environment import Environment
from asci_api.domain.ports import Mount
from asci_shared.logging import get_logger

_log = get_logger(__name__)


class OverlayError(Exception):
    """The overlay cannot be used. The text is for the operator: file, field, what is wrong."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """What the operator decides and declares."""

    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By environment's name; only what the operator named."""
    mounts: dict[str, Mount] = field(default_factory=dict)
    readable: bool = True
    """False while the file cannot be read and never could: then nothing may be started, rather than everything."""

    def pin(self, environment: str) -> str:
        """Reference or id of the image that the operator gave the name to; empty where she left it open."""
        return str(self.environments.get(environment, {}).get("image", ""))

    def apply(self, environment: Environment) -> Environment:
        """The environment as the operator wants it."""
        if not self.readable:
            return replace(environment, enabled=False)
        decided = {key: one for key, one in self.environments.get(environment.name, {}).items() if key != "image"}
        if "needs" in decided:
            decided["needs"] = replace(environment.needs, **decided["needs"])
        if "mounts" in decided:
            decided["mounts"] = tuple(decided["mounts"])
        return replace(environment, **decided)


class OverlayFile:
    """The overlay as the file has it now; read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._watch = FileWatch(path)
        self._overlay: Overlay | None = None

    def current(self) -> Overlay:
        """The overlay, empty without a file. A file that cannot be used is logged once and changes nothing."""
        if not self._watch.changed() and self._overlay is not None:
            return self._overlay
        try:
            self._overlay = read_overlay(self._path)
        except OverlayError as error:
            _log.error("overlay.refused", detail=str(error))
            self._overlay = self._overlay or Overlay(readable=False)
        return self._overlay

    def mounts(self) -> dict[str, Mount]:
        """The mounts declared now, by name."""
        return self.current().mounts


def read_overlay(path: Path) -> Overlay:
    """Read the file; a missing or empty one decides nothing. Raises ``OverlayError``."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        return Overlay()
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise OverlayError(f"{path.name} cannot be read: {error}") from error
    try:
        data: dict[str, Any] = OverlaySchema().load({} if content is None else content)
    except ValidationError as error:
        raise OverlayError(f"{path.name}: {'; '.join(sentences(error.messages))}") from error
    mounts = {name: Mount(**facts) for name, facts in data["mounts"].items()}
    return Overlay(data["environments"], mounts)
