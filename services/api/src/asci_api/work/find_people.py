"""People one may share with."""

from __future__ import annotations

from asci_api.domain.identity import Caller, Person
from asci_api.work.front_desk import FrontDesk

LEAST_CHARACTERS = 2
MOST = 10


def find_people(desk: FrontDesk, caller: Caller, text: str) -> list[Person]:
    """Those whose user name or a word of whose name begins with ``text`` (at least 2 characters, else nobody); never
    the caller herself, never somebody disabled."""
    wanted = text.strip()
    if len(wanted) < LEAST_CHARACTERS:
        return []
    found = desk.directory.search(wanted, MOST + 1)
    return [one for one in found if one.username != caller.person.username and not one.disabled][:MOST]
