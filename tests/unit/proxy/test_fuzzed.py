"""What ``make fuzz`` feeds for minutes, for a moment: inputs that once went wrong, and new ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import CORPUS, TARGETS, target

KNOWN = sorted(CORPUS.glob("*/*"))


@pytest.mark.parametrize("file", KNOWN, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_known_inputs_go_well(file: Path) -> None:
    target(file.parent.name).one_input(file.read_bytes())


def test_every_corpus_has_its_target() -> None:
    assert {file.parent.name for file in KNOWN} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_new_inputs_go_well(name: str) -> None:
    one_input = target(name).one_input

    @settings(max_examples=150, deadline=None)
    @given(st.binary(max_size=400))
    def feed(data: bytes) -> None:
        one_input(data)

    feed()
