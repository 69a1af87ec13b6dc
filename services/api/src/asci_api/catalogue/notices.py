"""The operator's sentence on every page: ``notice.json`` or ``notice.txt`` in the configuration folder.

``{"text": "Beam off on Tuesday from 9 to 12.", "level": "info"}``, level ``info`` or ``warning``; a ``notice.txt`` is
the text alone. JSON wins where both are there.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from asci_api.catalogue.changes import FileWatch
from asci_api.domain.ports import Notice
from asci_shared.logging import get_logger

MOST_CHARACTERS = 500
LEVELS = ("info", "warning")
_log = get_logger(__name__)


class NoticeFile:
    """Satisfies :class:`~asci_api.domain.ports.Notices`; read again when a file changes."""

    def __init__(self, folder: Path) -> None:
        self._json = folder / "notice.json"
        self._text = folder / "notice.txt"
        self._watches = (FileWatch(self._json), FileWatch(self._text))
        self._notice: Notice | None = None

    def current(self) -> Notice | None:
        """The notice, or None. A file that cannot be used is logged once and shows nothing."""
        changed = [watch.changed() for watch in self._watches]
        if any(changed):
            self._notice = self._read()
        return self._notice

    def _read(self) -> Notice | None:
        try:
            if self._json.exists():
                return _notice(json.loads(self._json.read_text("utf-8")))
            if self._text.exists():
                return _notice({"text": self._text.read_text("utf-8")})
        except (OSError, ValueError) as error:
            _log.warning("notice.refused", detail=str(error))
        return None


def _notice(content: Any) -> Notice | None:
    """Raises ValueError when it is no notice; None for an empty text."""
    if not isinstance(content, dict) or not isinstance(content.get("text"), str):
        raise ValueError('a notice needs a "text"')
    text, level = " ".join(content["text"].split()), content.get("level", "info")
    if level not in LEVELS:
        raise ValueError(f"the level of a notice is info or warning, not {level!r}")
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"a notice has at most {MOST_CHARACTERS} characters, not {len(text)}")
    if not text:
        return None
    mark = hashlib.sha256(f"{level}\n{text}".encode()).hexdigest()[:12]
    return Notice(id=mark, text=text, level=level)
