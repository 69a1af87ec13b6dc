"""Names of static files: pages say ``portal.css``, browsers get ``/static/portal.1a2b3c4d.css`` (kept for a year)."""

from __future__ import annotations

import json
import re
from pathlib import Path


class StaticFiles:
    """The manifest that scripts/build-static wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names: dict[str, str] = json.loads((folder / "manifest.json").read_text("utf-8"))

    def address(self, name: str) -> str:
        """The file's path on the portal. Raises KeyError for a file that was not built."""
        return f"/static/{self._names[name]}"

    def icons(self) -> frozenset[str]:
        """Names of the icons in the sprite."""
        sprite = (self.folder / self._names["icons.svg"]).read_text("utf-8")
        return frozenset(re.findall(r'<symbol id="([^"]+)"', sprite))
