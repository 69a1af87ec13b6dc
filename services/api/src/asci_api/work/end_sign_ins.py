"""Ends sign-ins that the directory no longer allows, whoever changed it and by whatever way."""

from __future__ import annotations

from asci_api.domain.errors import Unavailable
from asci_api.domain.identity import Person, Username
from asci_api.work.desk import Desk
from asci_api.work.sign_in import end_all_sign_ins, end_token
from asci_shared.logging import get_logger
from asci_shared.redis_contract import TokenRecord

GONE = "Your account was disabled."
_log = get_logger(__name__)


def end_sign_ins(desk: Desk) -> int:
    """End all sign-ins of people who are missing or disabled, and each one that began before its person's
    ``signed_out_at`` or with other roles than she has now; how many ended.

    A directory that cannot be read ends nobody. Raises ``Restoring`` and ``Unavailable`` (the store), ``Fenced``.
    """
    standing = desk.tokens.standing()
    people = _people(desk, {record.username for record in standing.values()})
    if people is None:
        return 0
    ended = 0
    for username in (name for name, person in people.items() if person is None or person.disabled):
        ended += end_all_sign_ins(desk, Username(username), GONE)
        _log.info("sign_ins.ended", username=username, reason=GONE)
    for token_hash, record in standing.items():
        if reason := _over(record, people[record.username]):
            end_token(desk, token_hash, reason)
            _log.info("sign_ins.ended", username=record.username, reason=reason)
            ended += 1
    return ended


def _people(desk: Desk, usernames: set[str]) -> dict[str, Person | None] | None:
    """Everybody asked for, by name; None where the directory cannot be read."""
    try:
        return {username: desk.directory.get(username) for username in sorted(usernames)}
    except Unavailable as away:
        _log.warning("sign_ins.not_judged", cause=away.title)
        return None


def _over(record: TokenRecord, person: Person | None) -> str:
    """Why this sign-in of somebody who may sign in is over; empty while it is not."""
    if person is None or person.disabled:
        return ""
    if record.created_at < person.signed_out_at:
        return "Your password was changed."
    if set(record.roles) != set(person.roles):
        return "Your rights were changed."
    return ""
