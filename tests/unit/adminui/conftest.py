"""One adminui over the double."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.admin_lab import AdminLab


@pytest.fixture
def lab(tmp_path: Path) -> AdminLab:
    return AdminLab(tmp_path)
