"""The controller's inward door: health and metrics, for the engine's health check and for Prometheus."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

StartResponse = Callable[[str, list[tuple[str, str]]], object]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
        """Health checks every few seconds are no news."""


class Inward:
    """Serves ``/health/live``, ``/health/ready`` and ``/metrics`` on a thread.

    Live: the process answers. Ready: ``ready()`` is true, that is, the stores answer (a standby is ready too).
    """

    def __init__(self, port: int, ready: Callable[[], bool], leads: Callable[[], bool]) -> None:
        self._ready = ready
        self._leads = leads
        self._server = make_server("0.0.0.0", port, self._answer, _Server, _Quiet)

    @property
    def port(self) -> int:
        """The port that was bound (of use with port 0)."""
        return int(self._server.server_port)

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, name="inward", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
            return [generate_latest()]
        if path not in {"/health/live", "/health/ready"}:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not found\n"]
        well = path == "/health/live" or self._ready()
        start_response("200 OK" if well else "503 Service Unavailable", [("Content-Type", "application/json")])
        return [json.dumps({"status": "ok" if well else "unavailable", "leads": self._leads()}).encode()]
