"""The one module of the system that reads the process's environment.

Each service declares a frozen dataclass and fills it with the readers below, once, at start. A missing or wrong
value raises :class:`SettingsError`, whose text names the variable, what is wrong and an example that works.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit


class SettingsError(Exception):
    """A setting is missing or wrong. The text is one plain line for the operator."""


class Environ:
    """Reads typed settings from a mapping (the process's environment by default).

    Every reader takes the variable's name and, where there is one, a default; without a default the variable is
    required. Raises :class:`SettingsError`.
    """

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables

    def text(self, name: str, default: str | None = None) -> str:
        """The variable's text, stripped."""
        value = self._variables.get(name, "").strip()
        if value:
            return value
        if default is None:
            raise SettingsError(f"{name} is not set: this service cannot start without it")
        return default

    def integer(self, name: str, default: int | None = None, least: int = 0, most: int = 2**31) -> int:
        """A whole number within [least, most]."""
        text = self.text(name, None if default is None else str(default))
        try:
            value = int(text)
        except ValueError:
            raise SettingsError(f"{name} must be a whole number, not {text!r}") from None
        if not least <= value <= most:
            raise SettingsError(f"{name} must be between {least} and {most}, not {value}")
        return value

    def seconds(self, name: str, default: float, least: float = 0.0) -> float:
        """A duration in seconds (float), not below ``least``."""
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            raise SettingsError(f"{name} must be a number of seconds, not {text!r}") from None
        if value < least:
            raise SettingsError(f"{name} must be at least {least} seconds, not {value}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """``1/true/yes/on`` or ``0/false/no/off``."""
        text = self.text(name, "1" if default else "0").lower()
        if text in {"1", "true", "yes", "on"}:
            return True
        if text in {"0", "false", "no", "off"}:
            return False
        raise SettingsError(f"{name} must be 1 or 0, not {text!r}")

    def words(self, name: str, default: str = "") -> tuple[str, ...]:
        """A comma-separated list; empty parts are dropped."""
        return tuple(word.strip() for word in self._variables.get(name, default).split(",") if word.strip())

    def path(self, name: str, default: str | None = None) -> Path:
        """A path; not checked for existence."""
        return Path(self.text(name, default))

    def origin(self, name: str, default: str | None = None) -> str:
        """A web origin as browsers write it: ``scheme://host[:port]``, lower case, no default port, no slash."""
        text = self.text(name, default)
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
            raise SettingsError(f"{name} must be an address such as http://localhost:8080, not {text!r}")
        default_port = ":443" if parts.scheme == "https" else ":80"
        return f"{parts.scheme}://{parts.netloc.removesuffix(default_port)}".lower()

    def secret(self, name: str, default: str | None = None) -> bytes:
        """The stripped contents of the file that the variable names; the file must not be empty."""
        path = self.path(name, default)
        try:
            value = path.read_bytes().strip()
        except OSError as error:
            raise SettingsError(f"{name}: the secret file {path} cannot be read ({error.strerror})") from None
        if not value:
            raise SettingsError(f"{name}: the secret file {path} is empty")
        return value
