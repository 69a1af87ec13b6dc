"""Several proxy processes behind one port: the parent starts them, starts them again, and answers for all of them.

The parent opens the listening sockets and hands each worker a pair: its own share of the public port (SO_REUSEPORT:
the kernel spreads connections) and an inward door on the loopback. They stay open while a worker is started again, so
nobody is refused meanwhile. A worker drains when its parent ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from asci_proxy.settings import Settings
from asci_proxy.sockets import listening
from asci_shared.logging import get_logger

ANSWER_SECONDS = 2.0
"""How long a worker may take to answer the parent."""
_LASTS_SECONDS, _PAUSE_SECONDS = 5.0, 1.0
"""A worker that ended sooner is started again after a pause."""
_LAST_SECONDS = 10.0

_log = get_logger(__name__)


@dataclass
class Worker:
    """One process; the sockets outlive it."""

    number: int
    public: socket.socket
    inward: socket.socket
    process: asyncio.subprocess.Process | None = None

    def address(self, path: str) -> str:
        """Where its inward door answers."""
        return f"http://127.0.0.1:{self.inward.getsockname()[1]}{path}"


@dataclass(frozen=True)
class Answer:
    """What a worker's inward door said; status 0: nothing."""

    number: int
    status: int
    body: str = field(repr=False)


class Workers:
    """The parent process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._draining = asyncio.Event()
        self._workers: list[Worker] = []

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; then let all workers drain."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._draining.set)
        self._workers = [self._worker(number) for number in range(1, self._settings.workers + 1)]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_SECONDS)) as session:
            door = InwardDoors(self._workers, session, self._draining.is_set)
            runner = web.AppRunner(door.application(), access_log=None)
            await runner.setup()
            await web.TCPSite(runner, self._settings.host, self._settings.inward_port).start()
            keeping = [loop.create_task(self._keep(worker)) for worker in self._workers]
            _log.info("workers.started", workers=len(self._workers), port=self._settings.port)
            await self._draining.wait()
            await self._drain(keeping)
            await runner.cleanup()
        _log.info("workers.stopped")

    def _worker(self, number: int) -> Worker:
        public = listening(self._settings.host, self._settings.port, shared=True)
        return Worker(number, public, listening("127.0.0.1", 0))

    async def _keep(self, worker: Worker) -> None:
        """Start it, again and again, until the parent drains."""
        while not self._draining.is_set():
            started = time.monotonic()
            worker.process = await self._start(worker)
            if self._draining.is_set():
                _terminate(worker)
            code = await worker.process.wait()
            worker.process = None
            if self._draining.is_set():
                return
            lasted = time.monotonic() - started
            _log.error("worker.died", worker=worker.number, code=code, seconds=round(lasted, 1))
            if lasted < _LASTS_SECONDS:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._draining.wait(), _PAUSE_SECONDS)

    async def _start(self, worker: Worker) -> asyncio.subprocess.Process:
        doors = (worker.public.fileno(), worker.inward.fileno())
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "asci_proxy"),
            stdin=asyncio.subprocess.PIPE,  # it closes with the parent
            pass_fds=doors,
            env=os.environ | {"ASCI_PROXY_WORKER": str(worker.number), "ASCI_PROXY_DOORS": ",".join(map(str, doors))},
        )

    async def _drain(self, keeping: Iterable[asyncio.Task[None]]) -> None:
        """Close the public door, let the workers drain, and wait for them."""
        for worker in self._workers:
            worker.public.close()
            _terminate(worker)
        _, late = await asyncio.wait(list(keeping), timeout=self._settings.drain_seconds + _LAST_SECONDS)
        for worker in self._workers if late else []:
            if worker.process is not None:
                _log.error("worker.killed", worker=worker.number)
                worker.process.kill()
        await asyncio.gather(*late)
        for worker in self._workers:
            worker.inward.close()


def _terminate(worker: Worker) -> None:
    if worker.process is not None:
        with contextlib.suppress(ProcessLookupError):
            worker.process.terminate()


class InwardDoors:
    """The inward door of the parent: asks every worker's."""

    def __init__(self, workers: Iterable[Worker], session: aiohttp.ClientSession, draining: Callable[[], bool]) -> None:
        self._workers, self._session, self._draining = list(workers), session, draining

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.router.add_get("/health/live", self.live)
        app.router.add_get("/health/ready", self.ready)
        app.router.add_get("/metrics", self.metrics)
        return app

    async def live(self, _request: web.Request) -> web.Response:
        """200 as long as every worker that runs answers; one that is being started again is not waited for."""
        answers = await self._ask("/health/live")
        silent = [answer.number for answer in answers if answer.status != 200 and self._runs(answer.number)]
        if silent:
            return web.json_response({"status": "no answer", "workers": silent}, status=503)
        return web.json_response({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """200 when a worker takes new connections; 503 with the reason while draining or when none does."""
        if self._draining():
            return web.json_response({"status": "draining"}, status=503)
        answers = await self._ask("/health/ready")
        if any(answer.status == 200 for answer in answers):
            return web.json_response({"status": "ok"})
        reasons = sorted({answer.body for answer in answers})
        return web.json_response({"status": "no worker is ready", "reasons": reasons}, status=503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus' text format: every sample of every worker, under the label ``worker``."""
        answers = await self._ask("/metrics")
        texts = {answer.number: answer.body for answer in answers if answer.status == 200}
        return web.Response(body=labelled(texts), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _runs(self, number: int) -> bool:
        return any(worker.number == number and worker.process is not None for worker in self._workers)

    async def _ask(self, path: str) -> list[Answer]:
        asked: list[Awaitable[Answer]] = [self._ask_one(worker, path) for worker in self._workers]
        return list(await asyncio.gather(*asked))

    async def _ask_one(self, worker: Worker, path: str) -> Answer:
        try:
            async with self._session.get(worker.address(path)) as answer:
                return Answer(worker.number, answer.status, await answer.text())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(worker.number, 0, type(error).__name__)


def labelled(texts: dict[int, str]) -> bytes:
    """The metrics of all workers as one text; each sample says whose it is."""
    families: dict[tuple[str, str], Metric] = {}
    for number, text in texts.items():
        for family in text_string_to_metric_families(text):
            merged = families.setdefault(
                (family.name, family.type), Metric(family.name, family.documentation, family.type)
            )
            for sample in family.samples:
                merged.samples.append(sample._replace(labels={**sample.labels, "worker": str(number)}))
    return generate_latest(_Families(families.values()))


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)
