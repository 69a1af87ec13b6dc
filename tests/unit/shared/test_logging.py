"""Lines of the log, whatever their facts hold."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from asci_shared import logging as asci_logging

FORGED = "bye\n2026-01-01T00:00:00.000Z ERROR   proxy all.is_lost\u2028\x1b[2J"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, handlers, level = logging.root, logging.root.handlers[:], logging.root.level
    told = (logging.logThreads, logging.logProcesses, logging.logMultiprocessing, logging._srcfile)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.logThreads, logging.logProcesses, logging.logMultiprocessing, logging._srcfile = told


@pytest.mark.parametrize("style", ["json", "text"])
def test_what_others_said_cannot_pass_for_a_line(style: str) -> None:
    """A browser chooses the reason of its close frame."""
    stream = io.StringIO()
    asci_logging.configure("proxy", style, stream=stream)
    asci_logging.get_logger("test").info("connection.ended", reason=FORGED, code=1000)
    (line,) = stream.getvalue().split("\n")[:-1]
    assert "\x1b" not in line
    if style == "json":
        assert json.loads(line)["asci"]["reason"] == FORGED
    else:
        assert line.endswith("code=1000")
        assert "\u2028" not in line
