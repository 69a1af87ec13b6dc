"""What the proxy tells Prometheus. Every metric is declared here, before it is used."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

_LAG_PERIOD = 0.5

disable_created_metrics()  # type: ignore[no-untyped-call]  # when each counter was made is nobody's question


class Counts(Protocol):
    """The counts of one link."""

    bytes_down: int
    bytes_up: int
    stalls: int


class Metrics:
    """The registry and the metrics of one proxy process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.setups = Counter("asci_proxy_setups", "Connections whose handshakes succeeded", registry=registry)
        self.refusals = Counter(
            "asci_proxy_refusals", "Upgrades and handshakes that were refused", ["reason"], registry=registry
        )
        self.ends = Counter("asci_proxy_ends", "Connections that ended, by close code", ["code"], registry=registry)
        self.events_pages = Gauge("asci_proxy_events_pages", "Pages that listen to the ring", registry=registry)
        self.rings = Counter("asci_proxy_rings", "Rings heard from Redis", registry=registry)
        self.handshake = Histogram(
            "asci_proxy_handshake_seconds",
            "From the upgrade to the first byte relayed, both sides' authentication included",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self.round_trip = Histogram(
            "asci_proxy_round_trip_seconds",
            "From a WebSocket ping to the browser's pong",
            buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 20),
            registry=registry,
        )
        self.loop_lag = Histogram(
            "asci_proxy_loop_lag_seconds",
            "How much later than asked the event loop woke",
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2),
            registry=registry,
        )
        self.app_sessions = Gauge(
            "asci_proxy_app_sessions", "App sessions of web applications at hand", registry=registry
        )
        self.app_exchanges = Gauge(
            "asci_proxy_app_exchanges", "Requests and WebSockets to web applications under way", registry=registry
        )
        self.app_requests = Counter(
            "asci_proxy_app_requests", "Answers of web applications, by class of status", ["status"], registry=registry
        )
        self.app_bytes = Counter(
            "asci_proxy_app_bytes", "Bytes of web applications' bodies and WebSockets", ["direction"], registry=registry
        )
        self.app_head = Histogram(
            "asci_proxy_app_head_seconds",
            "From a request to the head of the web application's answer",
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
            registry=registry,
        )
        self.presence_lag = Histogram(
            "asci_proxy_presence_lag_seconds",
            "From a connection's coming or going to its lease written or removed in Redis",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10, 30, 90),
            registry=registry,
        )
        self.rebuilds = Counter(
            "asci_proxy_subscription_rebuilds",
            "Subscriptions that were lost, or silent, and made again",
            registry=registry,
        )
        self._subscribed = False
        self.traffic = Traffic()
        registry.register(self.traffic)

    def refused(self, reason: str) -> None:
        """Count a refusal by its slug."""
        self.refusals.labels(reason).inc()

    def subscribed(self) -> None:
        """Redis confirmed a subscription: the first one, or one made again."""
        if self._subscribed:
            self.rebuilds.inc()
        self._subscribed = True

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)

    async def watch_loop(self) -> None:
        """Measure the loop's lag until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time() + _LAG_PERIOD
            await asyncio.sleep(_LAG_PERIOD)
            self.loop_lag.observe(max(0.0, loop.time() - asked))


class Traffic(Collector):
    """Bytes and stalls of all links: those that ended are summed, those that live are asked at each scrape."""

    def __init__(self) -> None:
        self._live: set[Counts] = set()
        self._down = self._up = self._stalls = 0

    def begin(self, counts: Counts) -> None:
        """A link started."""
        self._live.add(counts)

    def end(self, counts: Counts) -> None:
        """It is over; its counts stay in the sums."""
        self._live.discard(counts)
        self._down += counts.bytes_down
        self._up += counts.bytes_up
        self._stalls += counts.stalls

    def describe(self) -> Iterable[Metric]:
        """The same families, so that names are checked at registration."""
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        """The families with their values as of now."""
        yield GaugeMetricFamily("asci_proxy_connections", "Connections that move bytes", value=len(self._live))
        total = CounterMetricFamily(
            "asci_proxy_bytes", "Bytes of desktops, without WebSocket heads", labels=["direction"]
        )
        total.add_metric(["down"], self._down + sum(counts.bytes_down for counts in self._live))
        total.add_metric(["up"], self._up + sum(counts.bytes_up for counts in self._live))
        yield total
        stalls = self._stalls + sum(counts.stalls for counts in self._live)
        yield CounterMetricFamily("asci_proxy_stalls", "Times that a browser did not take a whole frame", value=stalls)
