"""Tasks that nobody waits for: held so that they are not collected, and waited for at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from asci_shared.logging import get_logger

_log = get_logger(__name__)


class Background:
    """Starts tasks and reports those that fail."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run ``work`` to its end."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    async def finish(self, seconds: float) -> None:
        """Wait for what runs, for so long at most; then cancel it."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("task.failed", error=repr(task.exception()), task=task.get_coro().__qualname__)  # type: ignore[union-attr]
