"""What a service with pages counts. With several worker processes prometheus-client sums over them."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from asci_shared.environ import Environ

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class PageMetrics:
    """``<service>_requests_total`` and ``<service>_request_seconds``. Made once a process: names are declared once."""

    def __init__(self, service: str) -> None:
        self._pages = Counter(f"{service}_requests_total", "Pages and parts answered.", ["method", "route", "status"])
        self._seconds = Histogram(
            f"{service}_request_seconds",
            "Seconds from a request's arrival to its answer, the API's share included.",
            ["route"],
            buckets=_BUCKETS,
        )

    def install(self, app: Flask) -> None:
        """Count every request of the app, but for those about itself."""
        app.before_request(_begin)
        app.after_request(self._count)

    def _count(self, response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        if not route.startswith("/health"):
            self._pages.labels(request.method, route, str(response.status_code)).inc()
            self._seconds.labels(route).observe(time.perf_counter() - g.get("began", time.perf_counter()))
        return response


def _begin() -> None:
    g.began = time.perf_counter()


def exposition() -> bytes:
    """All metrics in Prometheus' text format, summed over the processes where there are several."""
    if not Environ().text("PROMETHEUS_MULTIPROC_DIR", ""):
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
