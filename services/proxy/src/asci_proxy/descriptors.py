"""File descriptors: as many as the kernel allows, and one line in a while where they run out all the same."""

from __future__ import annotations

import asyncio
import errno
import resource
import time
from collections.abc import Callable
from typing import Any

from asci_shared.logging import get_logger

TOLD_EVERY_SECONDS = 10.0
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_log = get_logger(__name__)


def take_all() -> None:
    """A connection needs two; what an operator limits is the hard limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Shortage:
    """The loop's exception handler: asyncio reports every failed accept, with its trace, many times a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told = -TOLD_EVERY_SECONDS
        self._untold = 0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Tell a shortage now and then, everything else as ever."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _SHORTAGES:
            loop.default_exception_handler(context)
            return
        self._untold += 1
        if self._clock() - self._told >= TOLD_EVERY_SECONDS:
            _log.error("door.shortage", error=error.strerror, times=self._untold, next_step="raise the limit nofile")
            self._told, self._untold = self._clock(), 0
