"""Lists in pages: ``limit`` and an opaque ``cursor`` that says where the next page begins."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from asci_api.domain.errors import InvalidInput

DEFAULT = 100
MOST = 500

T = TypeVar("T")
Key = tuple[str | float, ...]


def page(
    items: Sequence[T], limit: int, cursor: str, key: Callable[[T], Key], *, falling: bool = False
) -> tuple[list[T], str | None]:
    """The items after the cursor, at most ``limit``, and the cursor of the next page (None at the end).

    ``items`` are sorted by ``key``, or against it with ``falling``. A page does not shift when items before it come
    or go.
    """
    if cursor:
        last = decode(cursor)
        try:
            items = [one for one in items if (key(one) < last if falling else key(one) > last)]
        except TypeError as error:
            raise bad_cursor() from error
    shown = list(items[:limit])
    return shown, encode(key(shown[-1])) if len(items) > limit else None


def encode(key: Key) -> str:
    """A cursor that stands behind ``key``."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str) -> Key:
    """Raises ``InvalidInput`` for what we did not give out."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise bad_cursor() from error
    if not isinstance(key, list) or not key or not all(isinstance(one, (str, int, float)) for one in key):
        raise bad_cursor()
    return tuple(key)


def bad_cursor() -> InvalidInput:
    sentence = "Use next_cursor of the page before."
    return InvalidInput("The query cannot be used.", detail=sentence, fields={"cursor": [sentence]})
