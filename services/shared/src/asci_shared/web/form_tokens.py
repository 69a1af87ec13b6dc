"""Tokens in forms: a form counts only when this portal made it for this browser.

A token is ``nonce.mac`` with ``mac = HMAC-SHA-256(key, nonce, holder)``. ``holder`` is something that only this
browser sends: its visitor cookie. Nothing is stored; a token dies with its holder.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

FIELD = "form_token"
_NONCE_BYTES = 8


class FormTokens:
    """Makes and checks tokens with the service's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, holder: str) -> str:
        """A token for one page; differs each time, so that compressed pages tell nothing about it."""
        nonce = secrets.token_hex(_NONCE_BYTES)
        return f"{nonce}.{self._mac(nonce, holder)}"

    def fits(self, token: str, holder: str) -> bool:
        """Whether the token was made here for this holder. An empty holder never fits."""
        nonce, _, mac = token.partition(".")
        return bool(holder) and hmac.compare_digest(mac.encode(), self._mac(nonce, holder).encode())

    def _mac(self, nonce: str, holder: str) -> str:
        words = f"form\x00{nonce}\x00{holder}".encode()
        return hmac.new(self._key, words, hashlib.sha256).hexdigest()
