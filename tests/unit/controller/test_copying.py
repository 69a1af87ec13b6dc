"""The loop that copies durable facts: goes on after every trouble, says it once, and tells the copy's age."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from asci_api.domain.errors import Unavailable
from asci_api.domain.ports import Fence
from asci_api.loops import copying
from asci_api.loops.copying import Copying
from tests.support.eventually import eventually


class Scripted:
    """A durable copy that fails as told, then goes on."""

    def __init__(self, troubles: Iterator[Exception]) -> None:
        self._troubles = troubles
        self.followed = 0

    def follow(self, seconds: float) -> int:
        for trouble in self._troubles:
            raise trouble
        self.followed += 1
        return 0

    def restore(self, fence: Fence) -> int:
        raise AssertionError("nobody restores here")


def test_it_goes_on_after_every_trouble_and_says_it_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(copying, "_PAUSE", 0.01)
    troubles: list[Exception] = [Unavailable("Redis does not answer.") for _ in range(5)]
    durable = Scripted(iter([*troubles, OSError("no space left on device")]))
    loop = Copying(durable)
    before = loop.age()
    loop.start()
    eventually(lambda: durable.followed > 3, within=5, what="the copy to go on")
    loop.stop()
    assert loop.age() < before + 5
    said = [record.getMessage() for record in caplog.records]
    assert said.count("copy.put_off") == 1, said
