"""One API over the store in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.api_lab import ApiLab


@pytest.fixture
def lab(tmp_path: Path) -> ApiLab:
    """With the catalogue and one idle node."""
    lab = ApiLab(tmp_path)
    lab.offer()
    return lab
