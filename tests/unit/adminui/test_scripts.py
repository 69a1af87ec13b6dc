"""The pages' scripts: their pure parts by node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not there")
@pytest.mark.parametrize("suite", sorted(path.name for path in (HERE / "js").glob("*.test.mjs")))
def test_pure_parts(suite: str) -> None:
    done = subprocess.run(
        ["node", "--test", str(HERE / "js" / suite)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
