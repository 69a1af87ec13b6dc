"""Who leads: take the lock, keep it, and hold a term as long as it is held."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from asci_api.domain.errors import AsciError, Fenced, Unavailable
from asci_api.domain.ports import Fence, Leadership
from asci_shared.logging import get_logger

RENEW = 2.0
"""Seconds between two renewals of the lock."""
_log = get_logger(__name__)


class Held(Protocol):
    """A term, as the leader's loop sees it."""

    def begin(self) -> None: ...

    def end(self) -> None: ...


class LeaderLoop:
    """Calls ``make_term(fence)`` when this process wins the lock, and ends that term when the fence changes.

    Redis away is no reason to end a term by itself: the term's writes fail until it is back, and engine calls that
    end something are held back because the lease cannot be read.
    """

    def __init__(self, leadership: Leadership, make_term: Callable[[Fence, Callable[[], None]], Held]) -> None:
        self._leadership = leadership
        self._make_term = make_term
        self._hurry = threading.Event()
        self._over = threading.Event()
        self._fence: Fence | None = None
        self._term: Held | None = None

    @property
    def leads(self) -> bool:
        """Whether a term is held now."""
        return self._term is not None

    def run(self) -> None:
        """Until :meth:`stop`. Gives the lock back at the end, so that a standby need not wait for it to run out."""
        while not self._over.is_set():
            self._hurry.clear()
            self._renew()
            self._hurry.wait(RENEW)
        self._resign()

    def stop(self) -> None:
        """End the loop; callable from a signal handler."""
        self._over.set()
        self._hurry.set()

    def look_again(self) -> None:
        """A write met a newer fence: ask for the lock now instead of at the next renewal."""
        self._hurry.set()

    def _renew(self) -> None:
        try:
            fence = self._leadership.acquire()
        except Unavailable as away:
            _log.warning("leader.cannot_renew", cause=away.title)
            return
        if fence == self._fence and (fence is None or self._term is not None):
            return
        self._end_term()
        self._fence = fence
        if fence is not None:
            self._begin_term(fence)

    def _begin_term(self, fence: Fence) -> None:
        term = self._make_term(fence, self.look_again)
        try:
            term.begin()
        except (Unavailable, Fenced) as error:
            _log.warning("term.did_not_begin", cause=error.title, detail=error.detail)
        except Exception:  # noqa: BLE001 -- whatever it is, another controller may be able to
            _log.exception("term.did_not_begin")
        else:
            self._term = term
            return
        term.end()
        self._resign()

    def _end_term(self) -> None:
        if self._term is not None:
            self._term.end()
            self._term = None

    def _resign(self) -> None:
        self._end_term()
        if self._fence is None:
            return
        try:
            self._leadership.release(self._fence)
        except AsciError as error:
            _log.warning("leader.could_not_release", cause=error.title)
        self._fence = None
