"""Why nothing fits on very many nodes, in few sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping

MOST_REASONS = 12
"""Of more nodes than that the reasons are summed up."""
_WORDS = {
    "state": "take no new sessions now",
    "selector": "do not have the labels",
    "taints": "are reserved",
    "image": "do not have the image, and no registry has it",
    "failed": "could not bring it up",
    "whole": "are not empty, or taken as a whole",
    "cpu": "have too few cores free",
    "memory": "have too little memory free",
    "gpu": "have too few GPUs free",
}


def summed_up(counts: Mapping[str, int], nodes: int) -> tuple[str, ...]:
    """A sentence for each filter that refused nodes, the commonest first; a node may be in several."""
    most_first = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return tuple(f"{count} of {nodes} nodes {_WORDS[name]}." for name, count in most_first)
