"""What the verbs that people ask for work with: every port they need, handed over by argument."""

from __future__ import annotations

from dataclasses import dataclass

from asci_api.domain.identity import Caller
from asci_api.domain.ports import (
    Attempts,
    Audit,
    AuditEntry,
    Clock,
    Cluster,
    Directory,
    Engines,
    Idempotency,
    Instances,
    Notices,
    Policies,
    Presence,
    Revocations,
    Rings,
    Tickets,
    Tokens,
    Wakes,
)


@dataclass(frozen=True, slots=True)
class FrontDesk:
    """Handed to each verb. Nothing here is bound to leadership: the API records what is wanted, and answers."""

    instances: Instances
    idempotency: Idempotency
    tokens: Tokens
    attempts: Attempts
    tickets: Tickets
    presence: Presence
    revocations: Revocations
    rings: Rings
    wakes: Wakes
    audit: Audit
    cluster: Cluster
    policies: Policies
    directory: Directory
    notices: Notices
    engines: Engines
    """For the last lines of living containers, and nothing else."""
    clock: Clock
    key: bytes
    """The key file that one-time passwords are derived from."""
    session_idle: int = 8 * 3600
    """Seconds after which an unused sign-in ends."""
    session_life: int = 7 * 86400
    """Seconds after which a sign-in ends although it is used."""

    def note(self, caller: Caller, what: str, target: str, outcome: str = "ok", **facts: str) -> None:
        """Write a deed of a signed-in person into the audit."""
        self.audit.record(
            AuditEntry(
                at=self.clock(),
                who=caller.person.username,
                what=what,
                target=target,
                address=caller.address,
                outcome=outcome,
                request_id=caller.request_id,
                facts=facts,
            )
        )
