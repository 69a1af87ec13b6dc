"""The pump (``relay.Link``) between two peers that do anything at any time: no byte is lost, frames are whole, one end.

Input: what comes early and how patient the proxy is, then actions: one byte each, with their numbers behind them.
"""

from __future__ import annotations

from tests.fuzz import room
from tests.fuzz.numbers import Numbers
from tests.fuzz.scene import Scene

_MOST_ACTIONS = 60


def one_input(data: bytes) -> None:
    """See :class:`tests.fuzz.Target`."""
    room.play(_story(Numbers(data)))


async def _story(numbers: Numbers) -> None:
    scene = Scene(early=numbers.byte(), patient=bool(numbers.byte() & 1))
    acts = (
        scene.browser_sends, scene.browser_pings, scene.browser_pongs, scene.browser_reads, scene.browser_says_goodbye,
        scene.browser_half_closes, scene.browser_breaks_off, scene.browser_breaks_frames,
        scene.desktop_sends, scene.desktop_reads, scene.desktop_half_closes, scene.desktop_breaks_off,
        scene.time_passes, scene.proxy_closes, scene.browser_sends, scene.desktop_sends,
    )  # fmt: skip
    try:
        for _ in range(_MOST_ACTIONS):
            if numbers.over:
                break
            what = numbers.byte()
            acts[what & 15](numbers)
            await room.turns(what >> 6)
        await scene.drain()
        scene.judge()
    finally:
        await scene.clear()
