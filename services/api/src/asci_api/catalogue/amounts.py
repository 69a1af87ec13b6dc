"""Sizes and durations as people write them: ``2 GiB``, ``512 MiB``, ``7 d``, ``90 min``."""

from __future__ import annotations

import math
import re
from typing import Any

from marshmallow import ValidationError, fields

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_MOST = 2.0**60
_BYTES = {
    "": 1,
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
_SECONDS = {
    "": 1,
    "s": 1,
    "min": 60,
    "h": 3600,
    "d": 86400,
    "day": 86400,
    "days": 86400,
    "week": 604800,
    "weeks": 604800,
}


class Bytes(fields.Field[int]):
    """A whole number of bytes within [least, most], or text such as ``2 GiB``."""

    def __init__(self, least: int, most: int, **more: Any) -> None:
        super().__init__(**more)
        self._least, self._most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        amount = round(_amount(value, _BYTES, "a size such as 2 GiB"))
        if not self._least <= amount <= self._most:
            raise ValidationError(f"must be between {self._least} and {self._most} bytes, not {amount}")
        return amount


class Seconds(fields.Field[float]):
    """Seconds within [least, most], or text such as ``7 d``."""

    def __init__(self, least: float, most: float, **more: Any) -> None:
        super().__init__(**more)
        self._least, self._most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        amount = _amount(value, _SECONDS, "a duration such as 7 d")
        if not self._least <= amount <= self._most:
            raise ValidationError(f"must be between {self._least:g} and {self._most:g} seconds, not {amount:g}")
        return amount


def _amount(value: Any, units: dict[str, int], example: str) -> float:
    amount = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST:
        amount = float(value)
    elif isinstance(value, str) and (found := _AMOUNT.fullmatch(value.strip())) and found[2] in units:
        amount = float(found[1]) * units[found[2]]
    if not math.isfinite(amount):
        raise ValidationError(f"must be {example}, not {str(value)[:40]!r}")
    return amount
