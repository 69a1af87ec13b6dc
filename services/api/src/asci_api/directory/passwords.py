"""Which passwords are good enough, and new ones that are."""

from __future__ import annotations

import secrets

from asci_api.domain.errors import InvalidInput

LEAST = 10
MOST = 256
_SIGNS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def check_strength(username: str, password: str) -> None:
    """Raises ``InvalidInput`` (``weak-password``) with the sentence that says what is wanted."""
    sentence = _weakness(username, password)
    if sentence:
        raise InvalidInput(
            "This password is too weak.", detail=sentence, slug="weak-password", fields={"new": [sentence]}
        )


def new_password() -> str:
    """Four groups of four, without signs that are mistaken for others: 94 bits."""
    return "-".join("".join(secrets.choice(_SIGNS) for _ in range(4)) for _ in range(4))


def _weakness(username: str, password: str) -> str:
    if len(password) < LEAST:
        return f"Use at least {LEAST} characters."
    if len(password) > MOST:
        return f"Use at most {MOST} characters."
    if username.casefold() in password.casefold():
        return "Do not use your user name in it."
    if len(set(password)) < 5:
        return "Use more different characters."
    return ""
