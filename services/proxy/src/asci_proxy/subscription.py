"""The one subscription of the proxy: kept alive, checked for silence, rebuilt when it died."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from asci_proxy.store import Store, StoreAway, Subscription
from asci_shared.logging import get_logger

PROBE_SECONDS = 2.0
SILENT_SECONDS = 6.0
_RETRY_SECONDS = 1.0

_log = get_logger(__name__)


class Listener:
    """Hands each message to its channel's reader; calls ``rebuilt`` whenever Redis confirmed a subscription.

    Messages of the time before are lost to the channel, so ``rebuilt`` must look for itself what they said.
    """

    def __init__(
        self, store: Store, readers: Mapping[str, Callable[[bytes], None]], rebuilt: Callable[[], Awaitable[None]]
    ) -> None:
        self._store, self._readers, self._rebuilt = store, readers, rebuilt
        self._lost = False

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                async with self._store.subscription(self._readers) as subscription:
                    await self._listen(subscription)
            except StoreAway as away:
                if not self._lost:  # once, not at every try
                    _log.warning("subscription.lost", reason=str(away))
                self._lost = True
            except Exception:  # noqa: BLE001  (top of a loop: without it nobody would hear anything any more)
                _log.exception("subscription.failed")
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self, subscription: Subscription) -> None:
        """Ask for a sign of life after 2 s without a word. Raises StoreAway after 6 s without one."""
        confirmations, heard = 0, time.monotonic()
        while True:
            message = await subscription.next(PROBE_SECONDS)
            if message is None:
                if time.monotonic() - heard >= SILENT_SECONDS:
                    raise StoreAway("the subscription is silent")
                await subscription.ping()
                continue
            heard = time.monotonic()
            channel, text = message
            if channel:
                self._readers[channel](text)
            elif text == b"subscribe":
                confirmations += 1
                if confirmations % len(self._readers) == 0:
                    await self._rebuilt()
                    self._lost = False
                    _log.info("subscription.alive")
