"""What admins decided, laid over what was registered and seen. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asci_api.domain.identity import NodeName
from asci_api.domain.node import (
    DeclaredGpu,
    Node,
    NodeOverlay,
    NodeRegistration,
    NodeSource,
    NodeState,
    Overcommit,
    Resources,
    Taint,
)
from asci_api.domain.overlay import declared_gpus, overlaid, unseen
from asci_api.domain.registering import complaints

NAME = NodeName("n1")
words = st.sampled_from(["a", "b", "c"])
labels = st.dictionaries(words, words)
taints = st.lists(st.builds(Taint, words, words), max_size=2).map(tuple)
overcommits = st.none() | st.builds(Overcommit, st.floats(0.5, 4), st.floats(0.5, 4))
overlays = st.builds(
    NodeOverlay,
    labels=labels,
    removed=st.lists(words, unique=True).map(tuple),
    taints=st.none() | taints,
    wanted=st.sampled_from([NodeState.ACTIVE, NodeState.CORDONED, NodeState.DRAINING]),
    overcommit=overcommits,
    gone=st.booleans(),
)
registrations = st.builds(
    NodeRegistration, st.just(NAME), st.just("tcp://n:2376"), labels=labels, taints=taints, overcommit=overcommits
)
nodes = st.builds(
    Node, st.just(NAME), st.just(""), st.sampled_from(NodeState), st.just(Resources()), engine_labels=labels
)


@settings(max_examples=100, deadline=None)
@given(nodes, registrations, overlays)
def test_laid_over_twice_is_laid_over_once(node: Node, registration: NodeRegistration, overlay: NodeOverlay) -> None:
    once = overlaid(node, registration, overlay)
    assert overlaid(once, registration, overlay) == once


@settings(max_examples=100, deadline=None)
@given(nodes, registrations, overlays)
def test_the_nearest_word_counts(node: Node, registration: NodeRegistration, overlay: NodeOverlay) -> None:
    found = overlaid(node, registration, overlay)
    for key in ("a", "b", "c"):
        sources = (overlay.labels, registration.labels, node.engine_labels)
        said = next((source[key] for source in sources if key in source), None)
        assert found.labels.get(key) == (None if key in overlay.removed else said)
    assert found.overcommit == (overlay.overcommit or registration.overcommit)
    assert found.taints == (registration.taints if overlay.taints is None else overlay.taints)
    assert found.state is (NodeState.DOWN if node.state is NodeState.DOWN else overlay.wanted)


def test_nobody_has_looked_yet() -> None:
    registration = NodeRegistration(
        NAME, "tcp://n:2376", gpus=(DeclaredGpu("A", 5, 2), DeclaredGpu(uuid="GPU-7")), source=NodeSource.FILE
    )
    node = unseen(registration)
    assert (node.state, node.last_seen, node.source) == (NodeState.DOWN, 0.0, NodeSource.FILE)
    assert [(gpu.id, gpu.index, gpu.slots, gpu.whole) for gpu in declared_gpus(registration)] == [
        ("n1-0", 0, 2, True),
        ("GPU-7", 1, 1, True),
    ]
    assert node.gpus == declared_gpus(registration)


@pytest.mark.parametrize(
    ("url", "tls", "fine"),
    [
        ("tcp://10.2.0.11:2376", "site", True),
        ("tcp://node-1.example.org:2376", "site", True),
        ("tcp://[2001:db8::1]:2376", "site", True),
        ("unix:///var/run/docker.sock", "", True),
        ("unix:///var/run/docker.sock", "site", False),
        ("tcp://10.2.0.11:2375", "", False),
        ("tcp://10.2.0.11", "site", False),
        ("tcp://user@10.2.0.11:2376", "site", False),
        ("tcp://10.2.0.11:2376?x=1", "site", False),
        ("tcp://10.2.0.11:99999", "site", False),
        ("tcp://:2376", "site", False),
        ("https://10.2.0.11:2376", "site", False),
        ("unix:///", "", False),
        ("", "", False),
    ],
)
def test_where_an_engine_may_listen(url: str, tls: str, fine: bool) -> None:
    found: dict[str, Any] = complaints(NodeRegistration(NAME, url, tls=tls))
    assert list(found) == ([] if fine else ["url"])
