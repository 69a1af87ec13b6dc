"""The upstream secret: what the proxy shows to an application, and what follows when the application refuses it."""

from __future__ import annotations

import time
from collections.abc import Callable

from asci_proxy.store import Store, StoreAway
from asci_proxy.webapps.headers import Fields
from asci_proxy.webapps.pages import unreachable
from asci_proxy.webapps.sessions import AppSession
from asci_shared import passwords
from asci_shared.logging import get_logger
from asci_shared.problem import Problem

PAUSES = (0.2, 0.4, 0.8)
"""Seconds between tries at an application that refuses its secret: right after a change either side may be behind."""
_ASKED_SECONDS = 2.0
_REFUSED = "refused"

_log = get_logger(__name__)


class Secrets:
    """Derives secrets with the key; asks the controller to write one again, at most every two seconds for each."""

    def __init__(self, key: bytes, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._key, self._store, self._clock = key, store, clock
        self._asked: dict[str, float] = {}

    def of(self, session: AppSession) -> str:
        """For the session's present generation."""
        return passwords.upstream_secret(self._key, session.right.instance, session.right.generation)

    async def was_refused(self, session: AppSession) -> None:
        """The controller writes the application's file again."""
        instance, now = session.right.instance, self._clock()
        self._asked = {one: at for one, at in self._asked.items() if at > now - _ASKED_SECONDS}
        if instance in self._asked:
            return
        self._asked[instance] = now
        _log.warning("app.secret_refused", instance=instance, generation=session.right.generation)
        try:
            await self._store.wake(f"secret:{instance}")
        except StoreAway as away:
            _log.warning("app.secret_not_asked", instance=instance, reason=str(away))


def is_refusal(status: int, fields: Fields) -> bool:
    """Whether this answer means that the secret was not the right one."""
    return status == 403 and fields.get(passwords.UPSTREAM_HEADER) == _REFUSED


def refusal() -> Problem:
    """What the person is told."""
    return unreachable("secret", "The application refused ASCI; its secret is being written again.")
