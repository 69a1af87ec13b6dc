"""What the verbs that people ask for work with: every port they need, handed over by argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asci_api.domain.audit import OK, AuditEntry
from asci_api.domain.identity import Caller
from asci_api.domain.node import NodeRegistration
from asci_api.domain.ports import (
    Attempts,
    Audit,
    Clock,
    Cluster,
    Directory,
    Engines,
    Idempotency,
    Instances,
    Notices,
    Overlays,
    Policies,
    Presence,
    Registrations,
    Revocations,
    Rings,
    Stats,
    Switches,
    Tickets,
    Tokens,
    Wakes,
)

REFUSALS_ONCE_PER = 60
"""Seconds in which equal refusals are one line of the audit, so that nobody can fill it by asking again and again."""


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
    registrations: Registrations
    overlays: Overlays
    switches: Switches
    stats: Stats
    declared: Callable[[], Sequence[NodeRegistration]]
    """Nodes that are built in or stand in the operator's file."""
    tls_problem: Callable[[str], str]
    """What is wrong with a folder of certificates, one sentence; empty for nothing."""
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
        self.record(
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

    def record(self, entry: AuditEntry) -> None:
        """Write into the audit: every deed, and equal refusals once a minute."""
        self.audit.record(entry, once_per=0 if entry.outcome == OK else REFUSALS_ONCE_PER)
