"""A person changes her own password; her other sign-ins end."""

from __future__ import annotations

from asci_api.domain.errors import NotAllowed
from asci_api.domain.identity import Caller
from asci_api.work.front_desk import FrontDesk
from asci_api.work.sign_in import WRONG_CREDENTIALS, end_token, wait_then_try_again


def change_password(desk: FrontDesk, caller: Caller, current: str, new: str) -> None:
    """Wrong tries count as failed sign-ins do. Raises ``TooManyTries``, ``NotAllowed`` (``wrong-credentials``),
    ``InvalidInput`` (``weak-password``), ``Conflict`` where the directory is read-only."""
    username = caller.person.username
    if seconds := desk.attempts.blocked(username, caller.address):
        raise wait_then_try_again(seconds)
    if desk.directory.authenticate(username, current) is None:
        desk.attempts.failed(username, caller.address)
        desk.note(caller, "password.change", username, WRONG_CREDENTIALS)
        raise NotAllowed("The current password is not right.", slug=WRONG_CREDENTIALS)
    desk.directory.change_password(username, new)
    for token in desk.tokens.of(username):
        if token != caller.token:
            end_token(desk, token, "Your password was changed.")
    desk.note(caller, "password.change", username)
