"""Descriptors that run out."""

from __future__ import annotations

import asyncio
import errno
import json
import resource
from typing import Any

import pytest

from asci_proxy import descriptors
from asci_shared import logging


class Clock:
    now = 5.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def loop() -> Any:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_a_shortage_is_told_now_and_then(loop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("proxy", "json")
    clock = Clock()
    shortage = descriptors.Shortage(clock)
    failed = {"message": "socket.accept() out of system resource", "exception": OSError(errno.EMFILE, "Too many")}
    for _ in range(100):
        shortage(loop, failed)
    clock.now += descriptors.TOLD_EVERY_SECONDS
    shortage(loop, failed)
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in (captured.out + captured.err).splitlines()]
    assert [(line["message"], line["asci"]["times"]) for line in lines] == [
        ("door.shortage", 1),
        ("door.shortage", 100),
    ]


def test_everything_else_is_told_as_ever(loop: Any) -> None:
    told: list[dict[str, Any]] = []
    loop.default_exception_handler = told.append
    for error in (OSError(errno.EPIPE, "x"), ValueError("x"), None):
        descriptors.Shortage()(loop, {"message": "x", "exception": error})
    assert len(told) == 3


def test_all_that_the_kernel_allows_are_taken() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1] - 1, before[1]))
        descriptors.take_all()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
