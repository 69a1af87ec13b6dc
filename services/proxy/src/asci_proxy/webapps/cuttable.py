"""Work for one request that can be cut off from outside: by a revocation, or because the browser left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from aiohttp import web

from asci_proxy.ends import GONE
from asci_proxy.handover import HandedOver
from asci_proxy.webapps.sessions import revoked
from asci_shared.problem import Problem

_Result = TypeVar("_Result")


class Failed(Exception):
    """The application gave no answer that can be passed on; holds the problem to tell."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Cuttable:
    """Work for one request that a revocation, or the browser's leaving, ends at once. An ``Exchange``."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._task: asyncio.Task[object] | None = None
        self.verdict: tuple[int, str] | None = None
        self.started = False
        """The answer's head is on its way to the browser."""

    def cut(self, code: int, reason: str) -> None:
        """See ``Exchange``."""
        if self.verdict is None:
            self.verdict = (code, reason)
            if self._task is not None:
                self._task.cancel()

    def look(self) -> None:
        """See ``Exchange``."""
        transport = self._request.transport
        if transport is None or transport.is_closing():
            self.cut(GONE, "the browser left")

    async def run(
        self, work: Coroutine[object, object, _Result], unwanted: Callable[[_Result], None] = lambda _: None
    ) -> _Result | HandedOver:
        """The result of ``work``; where it was cut, HandedOver if the answer had begun. Raises Refused otherwise.

        ``unwanted`` gets a result that came too late.
        """
        task = asyncio.get_running_loop().create_task(work)
        self._task = task
        try:
            result = await task
        except asyncio.CancelledError:
            if self.verdict is None:
                raise
        else:
            if self.verdict is None:
                return result
            unwanted(result)
        if self.started or self.verdict[0] == GONE:
            self.break_off()
            return HandedOver()
        raise revoked(self.verdict)

    def break_off(self) -> None:
        """End the browser's connection, so that it sees that the answer is not whole."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()
        self._request.protocol.force_close()
