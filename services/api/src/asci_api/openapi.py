"""Writes the API's OpenAPI document to ``services/api/openapi.yaml``; with ``--check`` tells whether it is fresh.

::

    python -m asci_api.openapi [--check] [FILE]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from asci_api.http.document import openapi_document

PLACE = Path("services/api/openapi.yaml")
_HEAD = "# Generated from the operations and their schemas by `python -m asci_api.openapi`. Do not edit.\n"


def text() -> str:
    """The document as YAML."""
    return _HEAD + yaml.safe_dump(openapi_document(), sort_keys=False, allow_unicode=True, width=120)


def main(arguments: Sequence[str]) -> int:
    """The command line; the exit code."""
    paths = [word for word in arguments if word != "--check"]
    path = Path(paths[0]) if paths else PLACE
    if "--check" not in arguments:
        path.write_text(text(), encoding="utf-8")
        return 0
    if path.exists() and path.read_text(encoding="utf-8") == text():
        return 0
    sys.stderr.write(f"{path} is not what the code says: run python -m asci_api.openapi\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
