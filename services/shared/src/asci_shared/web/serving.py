"""How gunicorn runs a Flask service: processes of threads, loaded once, then forked so that they share memory.

A service's ``gunicorn.conf.py`` takes these settings (https://docs.gunicorn.org/en/stable/settings.html) and adds its
``wsgi_app`` and ``bind``.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from gunicorn import glogging
from prometheus_client import multiprocess

from asci_shared import logging as asci_logging
from asci_shared.environ import Environ

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.config import Config
    from gunicorn.workers.base import Worker


class OurFormat(glogging.Logger):
    """Gunicorn's own lines go through the formatter of all lines."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def settings(service: str) -> dict[str, Any]:
    """Gunicorn's settings by name; also sends every logger's lines through our formatter. Raises ``SettingsError``."""
    environ = Environ()
    asci_logging.configure(service, environ.text("ASCI_LOG_FORMAT", "json"))
    return {
        "workers": environ.integer("ASCI_WORKERS", 2, least=1, most=64),
        "threads": environ.integer("ASCI_THREADS", 8, least=1, most=64),
        "worker_class": "gthread",
        "preload_app": True,
        "logger_class": OurFormat,
        # Heartbeats of workers must not wait for a disk; the root file system is read-only anyway.
        "worker_tmp_dir": "/dev/shm",  # noqa: S108
        # Answers take milliseconds: a worker silent for this long is stuck.
        "timeout": 30,
        "graceful_timeout": 8,
        "pre_fork": pre_fork,
        "child_exit": child_exit,
    }


def pre_fork(_server: Arbiter, _worker: Worker) -> None:
    """What is loaded now stays: keep the collector from touching, and so copying, the shared pages."""
    gc.collect()
    gc.freeze()


def child_exit(_server: Arbiter, worker: Worker) -> None:
    """A gone worker's gauges go with it."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
