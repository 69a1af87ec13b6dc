"""Notices when an operator's file changes, by its times and size."""

from __future__ import annotations

from pathlib import Path


class FileWatch:
    """Watches one path, which need not exist."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._looked = False

    def changed(self) -> bool:
        """Whether it differs from the last call; True at the first."""
        now = self._mark()
        changed = not self._looked or now != self._seen
        self._seen, self._looked = now, True
        return changed

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            facts = self._path.stat()
        except OSError:
            return None
        return (facts.st_mtime_ns, facts.st_size, facts.st_ino)
