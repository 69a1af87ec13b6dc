"""The pages' scripts: their pure parts by node's own test runner, and the facts that they share with Python."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from asci_shared.close_codes import CloseCode

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "services/webui/assets/js"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not there")


@needs_node
@pytest.mark.parametrize("suite", sorted(path.name for path in (Path(__file__).parent / "js").glob("*.test.mjs")))
def test_pure_parts(suite: str) -> None:
    done = subprocess.run(
        ["node", "--test", str(Path(__file__).parent / "js" / suite)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert re.search(r"^# pass [1-9]", done.stdout, re.MULTILINE) or re.search(r"pass [1-9]", done.stdout)


@needs_node
def test_close_codes_are_the_proxys() -> None:
    program = (
        f"import {{CODE}} from {json.dumps(str(SCRIPTS / 'desk/connection.mjs'))}; console.log(JSON.stringify(CODE))"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert json.loads(done.stdout) == {code.name: code.value for code in CloseCode}


def test_only_the_viewer_knows_novnc() -> None:
    knowing = [
        path.name for path in SCRIPTS.rglob("*.mjs") if "@novnc" in path.read_text() and "import" in path.read_text()
    ]
    assert knowing == ["viewer.mjs"]


def test_nothing_needs_eval_or_inline_script() -> None:
    everywhere = sorted((ROOT / "services").glob("*/assets/js/**/*.mjs"))
    assert len(everywhere) > 40
    for path in everywhere:
        text = path.read_text()
        assert not re.search(r"\beval\(|new Function\(|javascript:", text), path.name


def test_every_icon_that_pages_name_is_in_the_sprite() -> None:
    listed = {
        line.split()[0]
        for line in (ROOT / "services/shared/assets/icons.txt").read_text().splitlines()
        if line and line[0] != "#"
    }
    templates = "\n".join(path.read_text() for path in (ROOT / "services").glob("*/src/*/**/*.html"))
    named = set(re.findall(r"""(?:icon|draw)\("([a-z0-9-]+)"\)""", templates))
    assert len(named) > 10
    assert named - listed == set()
