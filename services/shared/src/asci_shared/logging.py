"""One formatter for all lines: ours, gunicorn's, aiohttp's and every library's.

Event names are constant and facts are keywords::

    log = get_logger(__name__)
    log.info("instance.started", instance=id, node="local", seconds=1.2)

``json`` writes one ECS-shaped JSON object a line, ``text`` a line for people. No secret may be a fact.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import ClassVar, TextIO

from asci_shared import request_id

_ECS_VERSION = "8.11"
_encoder = json.JSONEncoder(default=str, ensure_ascii=False)


class EventLogger:
    """A thin face over :mod:`logging`: an event name and facts."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, event: str, **facts: object) -> None:
        self._write(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: object) -> None:
        self._write(logging.INFO, event, facts)

    def warning(self, event: str, **facts: object) -> None:
        self._write(logging.WARNING, event, facts)

    def error(self, event: str, **facts: object) -> None:
        self._write(logging.ERROR, event, facts)

    def exception(self, event: str, **facts: object) -> None:
        """As :meth:`error`, with the traceback of the exception in hand."""
        self._write(logging.ERROR, event, facts, exc_info=True)

    def _write(self, level: int, event: str, facts: dict[str, object], exc_info: bool = False) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.handle(_EventRecord(self._logger.name, level, event, facts, exc_info))


class _EventRecord(logging.LogRecord):
    """A record without the caller's place, thread and process: no line tells them, and they cost more than the rest."""

    _BLANK: ClassVar = dict(logging.LogRecord("", 0, "", 0, "", (), None).__dict__)

    def __init__(self, name: str, level: int, event: str, facts: dict[str, object], exc_info: bool) -> None:
        now = time.time()
        self.__dict__.update(self._BLANK)
        self.name, self.levelno, self.levelname, self.msg = name, level, logging.getLevelName(level), event
        self.created, self.msecs = now, int(now % 1 * 1000)
        self.exc_info = sys.exc_info() if exc_info else None
        self.asci_facts = facts


def get_logger(name: str) -> EventLogger:
    """The event logger of a module."""
    return EventLogger(logging.getLogger(name))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, in the Elastic Common Schema's words."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "@timestamp": _timestamp(record.created),
            "log.level": record.levelname.lower(),
            "message": record.getMessage(),
            "service.name": self._service,
            "log.logger": record.name,
            "ecs.version": _ECS_VERSION,
        }
        if request_id.current():
            line["http.request.id"] = request_id.current()
        facts = getattr(record, "asci_facts", {})
        if facts:
            line["asci"] = facts
        if record.exc_info:
            line["error.stack_trace"] = self.formatException(record.exc_info)
        return _encoder.encode(line)


class TextFormatter(logging.Formatter):
    """A line for people: time, level, service, event, facts."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={_on_one_line(value)}" for name, value in getattr(record, "asci_facts", {}).items())
        line = f"{_timestamp(record.created)} {record.levelname:<7} {self._service} {record.getMessage()} {facts}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return line.rstrip()


def _on_one_line(value: object) -> str:
    """The value; where it holds line breaks or the like, as a literal: what others said must not pass for a line."""
    text = str(value)
    return text if text.isprintable() else repr(text)


def configure(service: str, style: str = "json", level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send every logger's lines through our formatter to ``stream`` (standard output by default)."""
    handler = logging.StreamHandler(stream if stream is not None else sys.stdout)
    handler.setFormatter(TextFormatter(service) if style == "text" else JsonFormatter(service))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level)
    # No line tells them, and finding them costs more than the rest of a line ("Optimization", logging's HOWTO)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


def _timestamp(created: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created))
    return f"{whole}.{int(created % 1 * 1000):03d}Z"
