"""What goes wrong with an engine, told in ASCI's words. The one place that knows the SDK's exceptions.

Status codes decide. Only for a missing source of a mount does the text count too, because the engine answers 400 to
every mount that it dislikes: it must name the source and say that it does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import requests
import urllib3
from docker.errors import APIError, DockerException

from asci_api.domain.errors import EngineAway, EngineFault, ImageMissing, SourceMissing
from asci_api.domain.identity import NodeName
from asci_api.domain.instance import Hop

BAD_REQUEST, NOT_FOUND, CONFLICT = 400, 404, 409
_TRY_AGAIN = "Try again in a moment; if it happens again, ask support."
_AWAY = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, json.JSONDecodeError, DockerException)
"""The SDK's APIError is an HTTPError of requests, and both are looked at before these."""


@contextmanager
def translated(node: NodeName, hop: Hop, cause: str, *, image: str = "", sources: Sequence[str] = ()) -> Iterator[None]:
    """Raise what happens inside as ``EngineAway``, ``ImageMissing``, ``SourceMissing`` or ``EngineFault(hop, cause)``.

    With ``image``, 404 means that the image is not there. With ``sources``, 400 may mean that one of these folders is
    not there. Faults of ASCI's own pass through.
    """
    try:
        yield
    except EngineFault:
        raise
    except requests.HTTPError as error:
        raise _refused(error, node, hop, cause, image, sources) from error
    except _AWAY as error:
        raise EngineAway(node, _short(error)) from error


def status_of(error: EngineFault) -> int:
    """The engine's HTTP status behind a fault; 0 if there was no answer."""
    cause = error.__cause__
    return cause.response.status_code if isinstance(cause, requests.HTTPError) else 0


def _refused(
    error: requests.HTTPError, node: NodeName, hop: Hop, cause: str, image: str, sources: Sequence[str]
) -> EngineFault:
    status, detail = error.response.status_code, _explanation(error)
    if image and status == NOT_FOUND:
        return ImageMissing(image, detail)
    if status >= 500 and "no space left" in detail:
        full = f"Node {node} has no space left on its disk."
        return EngineFault(Hop.NODE, full, detail, "Ask support: the node's disk is full.")
    named = [source for source in sources if source in detail] if status == BAD_REQUEST else []
    if named and "does not exist" in detail:
        return SourceMissing(max(named, key=len))
    return EngineFault(Hop.MOUNT if named else hop, cause, detail, _TRY_AGAIN, transient=status >= 500)


def _explanation(error: requests.HTTPError) -> str:
    """The engine's own sentence."""
    text = error.explanation if isinstance(error, APIError) else error.response.text
    return _cut(str(text or error.response.reason))


def _short(error: Exception) -> str:
    """The innermost reason: the SDK wraps one exception in three others."""
    inner: BaseException = error
    while (deeper := _beneath(inner)) is not None:
        inner = deeper
    return _cut(f"{type(inner).__name__}: {inner}" if str(inner) else type(inner).__name__)


def _beneath(error: BaseException) -> BaseException | None:
    for candidate in (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__):
        if isinstance(candidate, BaseException) and candidate is not error:
            return candidate
    return None


def _cut(text: str) -> str:
    return text if len(text) <= 400 else text[:399] + "…"
