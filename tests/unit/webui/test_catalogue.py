"""The catalogue in words."""

from __future__ import annotations

from typing import Any

import pytest

from asci_shared.api.models import Environment
from asci_webui.words import catalogue

GB = 1024**3


def environment(name: str = "desktop", **facts: Any) -> Environment:
    return Environment.read(
        {
            "name": name, "title": "Linux desktop", "kind": "desktop", "needs": {"cpus": 4, "memory": 16 * GB},
            "startable": True, "tags": ["Tomography"], "description": "napari and nnU-Net", **facts,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [("", "", True), ("tomo", "", True), ("TOMO", "", True), ("napari linux", "", True), ("tomoxx", "", False),
     ("napari", "web", False), ("  nnu-net ", "desktop", True), ("napari tomoxx", "", False)],
)  # fmt: skip
def test_search(text: str, kind: str, found: bool) -> None:
    assert catalogue.found(environment(), text, kind) is found


@pytest.mark.parametrize(
    ("facts", "tone", "words", "button"),
    [
        ({"usual_seconds": 2.1}, "ok", "Starts in about 2 s", "Start"),
        ({"usual_seconds": 0.2}, "ok", "Starts in about 1 s", "Start"),
        ({"usual_seconds": 180}, "ok", "Starts in about 3 min", "Start"),
        ({}, "ok", "Ready in a few seconds", "Start"),
        ({"waiting": 3, "usual_seconds": 2}, "wait", "3 wait for a place", "Join the queue"),
        ({"waiting": 1}, "wait", "1 waits for a place", "Join the queue"),
        ({"startable": False, "reason": "For members of XFM."}, "locked", "For members of XFM.", "Start"),
        ({"startable": False}, "locked", "Not open to you.", "Start"),
    ],
)
def test_readiness(facts: dict[str, Any], tone: str, words: str, button: str) -> None:
    ready = catalogue.readiness(environment(**facts))
    assert (ready.tone, ready.words.replace("\u00a0", " "), ready.button) == (tone, words, button)


def test_chips_count_kinds_and_stay_away_when_there_is_but_one() -> None:
    assert catalogue.chips((environment(), environment("b"))) == []
    chips = catalogue.chips((environment(), environment("b"), environment("c", kind="web")))
    assert [(chip.kind, chip.word, chip.count) for chip in chips] == [
        ("", "All", 3), ("desktop", "Desktops", 2), ("web", "Notebooks", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gpu", "words"),
    [(None, ""), ("none", ""), ({"mode": "exclusive", "count": 1}, "1 GPU"),
     ({"mode": "exclusive", "count": 2}, "2 GPUs"),
     ({"mode": "shared", "count": 1}, "GPU, shared")],
)  # fmt: skip
def test_gpus(gpu: Any, words: str) -> None:
    needs = environment(needs={"cpus": 1, "memory": GB, "gpu": gpu}).needs
    assert catalogue.gpus(needs).replace("\u00a0", " ") == words
