"""Every secret that a test run used or saw, so that at its end somebody can look where none may stand."""

from __future__ import annotations

import base64
from collections.abc import Iterator


class SecretsSeen:
    """Secrets by value, each with the words that say what it is. Printing it shows the words only."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}

    def add(self, secret: str, words: str) -> str:
        """Remember it; gives it back."""
        if len(secret) >= 8:  # anything shorter is found everywhere
            self._words.setdefault(secret, words)
        return secret

    def __len__(self) -> int:
        return len(self._words)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Pairs of secret and words."""
        return iter(list(self._words.items()))

    def found_in(self, text: bytes) -> list[str]:
        """The words of every secret that stands in the text: as it is, in base64, or as bytes written in hex."""
        return [words for secret, words in self if any(form in text for form in _forms(secret))]

    def __repr__(self) -> str:
        return f"<{len(self)} secrets: {', '.join(sorted(set(self._words.values())))}>"


def _forms(secret: str) -> set[bytes]:
    raw = secret.encode()
    forms = {raw, base64.b64encode(raw).rstrip(b"="), raw.hex().encode()}
    try:
        plain = bytes.fromhex(secret)
    except ValueError:
        return forms
    return forms | {plain, base64.b64encode(plain).rstrip(b"="), base64.urlsafe_b64encode(plain).rstrip(b"=")}
