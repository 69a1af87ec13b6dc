"""People on pages: initials, a steady colour, who is on."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable

from asci_shared.api.models import Connection
from asci_shared.web.words.numbers import listed

COLOURS = 8
_TITLES = {"dr", "prof", "dr.", "prof.", "mr", "mrs", "ms"}


def initials(name: str) -> str:
    """Two letters: ``Dr Aiko Brandt`` -> ``AB``, ``demo`` -> ``DE``."""
    words = [word for word in re.split(r"[\s._-]+", name) if word and word.lower() not in _TITLES]
    if not words:
        return "?"
    letters = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return letters.upper()


def colour(username: str) -> int:
    """0 to 7, the same for one person everywhere."""
    return zlib.crc32(username.encode()) % COLOURS


def given_name(name: str) -> str:
    """``Dr Aiko Brandt`` -> ``Aiko``; one word stays."""
    words = [word for word in name.split() if word.lower() not in _TITLES]
    return words[0] if words else name


def distinct(connections: Iterable[Connection], me: str) -> list[Connection]:
    """One connection a person, oneself first, then as they came; control before view for one person."""
    first: dict[str, Connection] = {}
    for connection in connections:
        known = first.get(connection.username)
        if known is None or (known.mode == "view" and connection.mode == "control"):
            first[connection.username] = connection
    return sorted(first.values(), key=lambda connection: connection.username != me)


def who_is_here(connections: Iterable[Connection], me: str) -> str:
    """``Nobody is here``, ``You are here``, ``You and Jun are here``, ``Aiko is here``."""
    people = distinct(connections, me)
    if not people:
        return "Nobody is here"
    names = ["You" if person.username == me else given_name(person.name) for person in people]
    verb = "is" if len(names) == 1 and names[0] != "You" else "are"
    return f"{listed(names)} {verb} here"
