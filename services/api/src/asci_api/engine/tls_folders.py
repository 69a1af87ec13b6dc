"""Certificates for engines, in folders that the operator placed: ``<config>/tls/<name>/{ca,cert,key}.pem``.

Nobody sends them anywhere: the API and Redis know their folder's name alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from asci_api.engine.clients import TlsFiles

NAMES = ("ca.pem", "cert.pem", "key.pem")


@dataclass(frozen=True, slots=True)
class TlsFolders:
    """The folders below ``root``."""

    root: Path

    def files(self, name: str) -> TlsFiles:
        """The files of a folder, whether they are there or not."""
        authority, certificate, key = (self.root / name / file for file in NAMES)
        return TlsFiles(authority, certificate, key)

    def problem(self, name: str) -> str:
        """What is wrong with a folder, one sentence for the operator; empty for nothing."""
        folder = self.root / name
        if not folder.is_dir():
            return f"There is no folder tls/{name} in the operator's configuration."
        missing = [file for file in NAMES if not (folder / file).is_file()]
        if missing:
            return f"The folder tls/{name} lacks {' and '.join(missing)}."
        closed = [file for file in NAMES if not os.access(folder / file, os.R_OK)]
        return f"ASCI may not read {' and '.join(closed)} in tls/{name}." if closed else ""
