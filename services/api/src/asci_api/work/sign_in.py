"""Sign-ins: begin one, know the person behind a token, end it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Protocol

from asci_api.domain.audit import AuditEntry
from asci_api.domain.errors import NotSignedIn, TooManyTries
from asci_api.domain.identity import Caller, Person, Username
from asci_api.domain.ports import Revocations, Tokens
from asci_api.work.front_desk import FrontDesk
from asci_shared.close_codes import CloseCode
from asci_shared.redis_contract import RevocationKind, TokenRecord

TOKEN_LENGTH = 43
"""32 bytes in URL-safe base64."""
WRONG_CREDENTIALS = "wrong-credentials"


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that began. ``token`` is the only copy: what is stored is its hash."""

    token: str
    record: TokenRecord
    caller: Caller


class Doors(Protocol):
    """What ending a sign-in takes; the API's desk has it, and the controller's."""

    @property
    def tokens(self) -> Tokens: ...
    @property
    def revocations(self) -> Revocations: ...


def hash_of(token: str) -> str:
    """What a token is stored under: SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def sign_in(desk: FrontDesk, username: str, password: str, address: str, request_id: str) -> SignIn:
    """Check name and password and begin a sign-in.

    Raises ``TooManyTries`` before any check, ``NotSignedIn`` (``wrong-credentials``) without telling which was wrong.
    """
    username = username.strip().lower()
    _wait_if_blocked(desk, username, address, request_id)
    person = desk.directory.authenticate(username, password)
    if person is None:
        desk.attempts.failed(username, address)
        _note(desk, username, address, WRONG_CREDENTIALS, request_id)
        raise NotSignedIn("Name and password do not match.", slug=WRONG_CREDENTIALS)
    desk.attempts.succeeded(username, address)
    begun = _begin(desk, person, address, request_id)
    _note(desk, username, address, "ok", request_id)
    return begun


def caller_of(desk: FrontDesk, token: str, address: str, request_id: str) -> tuple[Caller, TokenRecord]:
    """Who is behind a token; its idle time begins anew.

    Raises ``NotSignedIn`` with fact ``reason``: ``unknown`` (no token, or nothing that we gave out), ``ended`` (she
    signed out, changed her password elsewhere, or is disabled or gone), else ``idle``. Raises ``Restoring`` where the
    token is missing only because the records are being restored. All sign-ins of somebody disabled or gone end here.
    """
    if not token:
        raise signed_out("unknown")
    token_hash = hash_of(token)
    record = desk.tokens.use(token_hash)
    if record is None:
        raise signed_out(_why_none(desk, token, token_hash))
    person = desk.directory.get(record.username)
    if person is None or person.disabled:
        end_all_sign_ins(desk, Username(record.username), "Your account was disabled.")
        raise signed_out("ended")
    return Caller(person, token_hash, address, request_id), record


def sign_out(desk: FrontDesk, caller: Caller) -> None:
    """End the sign-in behind the call; its live connections close."""
    end_token(desk, caller.token, "You signed out.")
    desk.note(caller, "session.end", caller.person.username)


def end_token(desk: Doors, token_hash: str, reason: str) -> None:
    """End one sign-in and close its live connections."""
    desk.tokens.drop(token_hash)
    desk.revocations.revoke(RevocationKind.TOKEN, code=CloseCode.SIGNED_OUT, reason=reason, token=token_hash)


def end_all_sign_ins(desk: Doors, username: Username, reason: str) -> int:
    """End every sign-in of a person and close all her connections; how many sign-ins ended."""
    tokens = desk.tokens.of(username)
    for token in tokens:
        desk.tokens.drop(token)
    desk.revocations.revoke(RevocationKind.PERSON, code=CloseCode.SIGNED_OUT, reason=reason, username=username)
    return len(tokens)


def signed_out(reason: str) -> NotSignedIn:
    return NotSignedIn("You are not signed in.", next_step="Sign in again. Your desktops keep running.", reason=reason)


def wait_then_try_again(seconds: int) -> TooManyTries:
    return TooManyTries(f"Too many tries. Try again in {seconds} s.", retry_after=seconds)


def _why_none(desk: FrontDesk, token: str, token_hash: str) -> str:
    if len(token) != TOKEN_LENGTH:
        return "unknown"
    return "ended" if desk.revocations.ended(token_hash) else "idle"


def _wait_if_blocked(desk: FrontDesk, username: str, address: str, request_id: str) -> None:
    seconds = desk.attempts.blocked(username, address)
    if seconds > 0:
        refusal = wait_then_try_again(seconds)
        _note(desk, username, address, refusal.slug, request_id)
        raise refusal


def _begin(desk: FrontDesk, person: Person, address: str, request_id: str) -> SignIn:
    token = secrets.token_urlsafe(32)
    now = desk.clock()
    record = TokenRecord(
        username=person.username,
        name=person.name,
        roles=person.roles,
        created_at=now,
        expires_at=now + desk.session_life,
        idle_seconds=desk.session_idle,
        address=address,
    )
    desk.tokens.add(hash_of(token), record)
    return SignIn(token, record, Caller(person, hash_of(token), address, request_id))


def _note(desk: FrontDesk, username: str, address: str, outcome: str, request_id: str) -> None:
    desk.record(
        AuditEntry(
            at=desk.clock(),
            who=username[:64],
            what="session.start",
            target=username[:64],
            address=address,
            outcome=outcome,
            request_id=request_id,
        )
    )
