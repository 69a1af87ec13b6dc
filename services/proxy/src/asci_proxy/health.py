"""The inward door: whether the process lives, whether it takes new connections, and its metrics."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from asci_proxy.metrics import Metrics
from asci_proxy.store import Store, StoreAway


class InwardDoor:
    """Never routed by the edge."""

    def __init__(self, store: Store, metrics: Metrics, draining: Callable[[], bool]) -> None:
        self._store, self._metrics, self._draining = store, metrics, draining

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.router.add_get("/health/live", self.live)
        app.router.add_get("/health/ready", self.ready)
        app.router.add_get("/metrics", self.metrics)
        return app

    async def live(self, _request: web.Request) -> web.Response:
        """200 as long as the event loop turns."""
        return web.json_response({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """200 when new connections are taken; 503 with the reason while draining or without Redis."""
        if self._draining():
            return web.json_response({"status": "draining"}, status=503)
        try:
            await self._store.ping()
        except StoreAway:
            return web.json_response({"status": "redis is away"}, status=503)
        return web.json_response({"status": "ok"})

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus' text format."""
        return web.Response(body=self._metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})
