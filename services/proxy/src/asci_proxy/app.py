"""Composition: everything is built here, in order, handed over by argument, and shut down in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from aiohttp import web

from asci_proxy.background import Background
from asci_proxy.connect import Viewers
from asci_proxy.descriptors import Shortage
from asci_proxy.desktops import Desktops
from asci_proxy.events import Events
from asci_proxy.health import InwardDoor
from asci_proxy.live import LiveTable
from asci_proxy.malformed import log_without_quotes
from asci_proxy.metrics import Metrics
from asci_proxy.revocations import Revocations
from asci_proxy.settings import Settings
from asci_proxy.signins import SignIns
from asci_proxy.sockets import BACKLOG, Farewells, listening
from asci_proxy.store import Store, StoreAway
from asci_proxy.subscription import Listener
from asci_proxy.upgrades import Gate
from asci_proxy.watching import Watcher
from asci_proxy.webapps.apps import WebApps
from asci_shared import redis_contract as contract
from asci_shared.close_codes import CloseCode
from asci_shared.logging import get_logger

RESTARTING = "This proxy restarts; your desktop keeps running."
TICK_SECONDS = 2.0
_GC_THRESHOLDS = (20_000, 20, 100)
"""Set-ups leave a few cycles each; looking for them after every 700 objects costs more than it frees."""
_APPS_TICK_SECONDS = 1.0
_LAST_SECONDS = 3.0
_ACCEPTED_AT_ONCE = 64
_PUBLIC_DOOR: dict[str, Any] = {
    "auto_decompress": False,  # bodies of web applications pass as they are
    "max_line_size": 16 * 1024,
    "max_field_size": 16 * 1024,
}

_log = get_logger(__name__)


class Proxy:
    """One proxy process."""

    def __init__(self, settings: Settings, watcher: Watcher) -> None:
        self._settings = settings
        self._draining = asyncio.Event()
        self._background = Background()
        self._farewells = Farewells(watcher)
        self._metrics = Metrics()
        self._store = Store(settings.redis_url, settings.redis_password)
        self._live = LiveTable()
        gate = Gate(settings, self._metrics, self._farewells, time.monotonic, self._draining.is_set)
        desktops = Desktops(settings.key, settings.dial_seconds, self._store, watcher)
        self._viewers = Viewers(
            settings,
            gate,
            self._store,
            desktops,
            self._live,
            self._metrics,
            self._background,
            watcher,
            self._farewells,
        )
        self._events = Events(gate, self._store, self._live, self._metrics, settings.person_pages)
        self._revocations = Revocations(self._store, self._live)
        self._sign_ins = SignIns(self._store, self._live, self._viewers.relayed)
        self._apps = WebApps(
            settings, self._store, self._live, self._metrics, self._background, watcher, self._farewells
        )
        readers = {contract.CHANNEL_REVOKED: self._revoked, contract.CHANNEL_RING: self._events.heard}
        self._listener = Listener(self._store, readers, self._subscribed)
        self._inward = InwardDoor(self._store, self._metrics, self._draining.is_set)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then drain."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._draining.set)
        loop.set_exception_handler(Shortage())
        log_without_quotes()
        public_door, inward_door = self._doors()
        inward = await _serve(self._inward.application(), inward_door)
        # a head that is not whole by then is waited for no longer; asked again, the same holds for the next one
        public = await _serve(
            self._application(),
            public_door,
            keepalive_timeout=self._settings.handshake_seconds,
            **_PUBLIC_DOOR,
        )
        loops = [loop.create_task(work) for work in self._loops()]
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        _log.info(
            "proxy.started",
            port=self._settings.port,
            inward_port=self._settings.inward_port,
            origin=self._settings.public_origin,
        )
        await self._draining.wait()
        await self._drain(public)
        await _end(loops)
        await self._viewers.presence.flush()
        await self._apps.close()
        await public.cleanup()
        await inward.cleanup()
        await self._store.close()
        _log.info("proxy.stopped")

    def _doors(self) -> tuple[socket.socket, socket.socket]:
        """The listening sockets, public and inward; the parent's where there is one, whose end is noticed then."""
        chosen = self._settings
        if not chosen.doors:
            return listening(chosen.host, chosen.port), listening(chosen.host, chosen.inward_port)
        public, inward = (socket.socket(fileno=number) for number in chosen.doors)
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._parent_ended)
        return public, inward

    def _parent_ended(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self._draining.set()

    def _application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/connect/events", self._events.handle)
        app.router.add_get("/connect/{connection:[A-Za-z0-9_-]{1,64}}", self._viewers.handle)
        self._apps.install(app)
        return app

    def _loops(self) -> list[Coroutine[Any, Any, None]]:
        beat = self._settings.beat_seconds
        return [
            self._listener.run(),
            self._viewers.presence.run(),
            self._metrics.watch_loop(),
            _every(TICK_SECONDS, self._tick),
            _every(_APPS_TICK_SECONDS, self._apps.tick),
            _every(beat, self._apps.watch.catch_up),
            _every(beat, self._apps.presence.write),
            _every(beat, self._apps.presence.renew),
            _every(beat, self._revocations.catch_up),
            _every(beat, self._sign_ins.renew),
            _every(beat, self._sign_ins.check),
        ]

    async def _tick(self) -> None:
        now = time.monotonic()
        for count, connection in enumerate(self._viewers.relayed()):
            if connection.link is not None:
                connection.link.tick(now)
            if count % 500 == 499:
                await asyncio.sleep(0)

    def _revoked(self, text: bytes) -> None:
        self._revocations.pushed(text)
        self._apps.watch.pushed(text)

    async def _subscribed(self) -> None:
        """Messages may have been missed: read the tombstones, and let the pages ask."""
        self._metrics.subscribed()
        await self._revocations.catch_up()
        await self._apps.watch.catch_up()
        self._events.ring_all()

    async def _drain(self, public: web.AppRunner) -> None:
        """Take nobody new; let what is live go on until the grace ends; then ask everyone to come again."""
        _log.info("proxy.draining", connections=len(self._viewers), seconds=self._settings.drain_seconds)
        for site in list(public.sites):
            await site.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_seconds):
                while len(self._viewers) or len(self._apps):
                    await asyncio.sleep(0.05)
        for held in self._live:
            held.revoke(CloseCode.RESTARTING, RESTARTING)
        await self._background.finish(_LAST_SECONDS)
        await self._farewells.finish(_LAST_SECONDS)


async def _serve(app: web.Application, door: socket.socket, **options: Any) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_LAST_SECONDS, **options)
    await runner.setup()
    # to asyncio its backlog is also how often it tries to accept in one turn, even where descriptors have run out
    await web.SockSite(runner, door, backlog=_ACCEPTED_AT_ONCE).start()
    door.listen(BACKLOG)
    return runner


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel until it is heard: redis-py may swallow a cancellation that meets an answer of Redis."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.2)


async def _every(seconds: float, step: Callable[[], Awaitable[None]]) -> None:
    """Repeat ``step`` until cancelled. Redis may be away: then its next turn does the work."""
    away = False
    while True:
        try:
            await step()
            away = False
        except StoreAway as error:
            if not away:
                _log.warning("beat.skipped", step=getattr(step, "__qualname__", ""), reason=str(error))
            away = True
        except Exception:  # noqa: BLE001  (top of a loop: one bad turn must not end all further ones)
            _log.exception("beat.failed", step=getattr(step, "__qualname__", ""))
        await asyncio.sleep(seconds)
