"""How gunicorn runs the webui: two processes of eight threads, loaded once, then forked so that they share memory."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from gunicorn import glogging
from prometheus_client import multiprocess

from asci_shared import logging as asci_logging
from asci_shared.environ import Environ

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.config import Config
    from gunicorn.workers.base import Worker

_environ = Environ()
asci_logging.configure("webui", _environ.text("ASCI_LOG_FORMAT", "json"))


class _OurFormat(glogging.Logger):
    """Gunicorn's own lines go through the formatter of all lines."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


wsgi_app = "asci_webui.wsgi:app"
bind = "0.0.0.0:8020"
workers = _environ.integer("ASCI_WORKERS", 2, least=1, most=64)
threads = _environ.integer("ASCI_THREADS", 8, least=1, most=64)
worker_class = "gthread"
preload_app = True
logger_class = _OurFormat
# Heartbeats of workers must not wait for a disk; the root file system is read-only anyway.
worker_tmp_dir = "/dev/shm"  # noqa: S108
# Answers take milliseconds: a worker silent for this long is stuck.
timeout = 30
graceful_timeout = 8


def pre_fork(_server: Arbiter, _worker: Worker) -> None:
    """What is loaded now stays: keep the collector from touching, and so copying, the shared pages."""
    gc.collect()
    gc.freeze()


def child_exit(_server: Arbiter, worker: Worker) -> None:
    """A gone worker's gauges go with it."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
