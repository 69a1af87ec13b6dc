"""What the API counts. Declared once; with several worker processes prometheus-client sums over them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from asci_shared.environ import Environ

REQUESTS = Counter("asci_api_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "asci_api_request_seconds",
    "Seconds from a request's arrival to its answer.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
SIGN_INS = Counter("asci_api_sign_ins_total", "Tries to sign in.", ["outcome"])
STARTS = Counter("asci_api_starts_total", "Instances asked for.", ["outcome"])


def exposition() -> bytes:
    """All metrics in Prometheus' text format, summed over the processes where there are several."""
    if not Environ().text("PROMETHEUS_MULTIPROC_DIR", ""):
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
