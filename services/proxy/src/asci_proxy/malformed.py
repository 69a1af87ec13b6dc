"""Malformed requests in the log: one line, without what they said.

aiohttp logs a traceback whose text quotes the bytes that it could not read. A head that is too long, for one, holds the
cookie: a secret. And whoever sends nonsense must not fill the log.
"""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError

from asci_shared.logging import get_logger

_log = get_logger(__name__)


class _Unquoted(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        _log.info("request.malformed", error=type(error).__name__)
        return False


_FILTER = _Unquoted()


def log_without_quotes() -> None:
    """From now on. Repeating is harmless."""
    logging.getLogger("aiohttp.server").addFilter(_FILTER)
