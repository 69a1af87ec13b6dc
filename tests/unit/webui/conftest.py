"""One portal over the API in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.portal_lab import PortalLab


@pytest.fixture
def lab(tmp_path: Path) -> PortalLab:
    """With one environment and one idle node."""
    return PortalLab(tmp_path)
