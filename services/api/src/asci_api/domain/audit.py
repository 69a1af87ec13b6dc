"""Who did what to what, when, from where, with which outcome."""

from __future__ import annotations

from dataclasses import dataclass, field

OK = "ok"
_ABOUT_INSTANCES = ("instance.", "share.", "connection.")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line."""

    at: float
    who: str
    what: str
    """A verb such as ``instance.stop``."""
    target: str
    address: str
    outcome: str
    """``ok`` or the slug of the refusal."""
    request_id: str
    facts: dict[str, str] = field(default_factory=dict)
    id: str = ""
    """Where it stands in the book; set by the store when it is read."""

    @property
    def instance(self) -> str:
        """The instance that it is about; empty for none. What was not started is none."""
        refused_start = self.what == "instance.start" and self.outcome != OK
        return self.target if self.what.startswith(_ABOUT_INSTANCES) and not refused_start else ""

    @property
    def detail(self) -> str:
        """Its facts as one line."""
        return "; ".join(f"{name}: {value}" for name, value in self.facts.items())


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines; an empty field matches everything."""

    who: str = ""
    what: str = ""
    """A verb, or the beginning of one up to a dot: ``node`` finds ``node.drain``."""
    target: str = ""
    instance: str = ""
    outcome: str = ""
    since: float | None = None
    until: float | None = None

    def match(self, entry: AuditEntry) -> bool:
        return (
            self.who in {"", entry.who}
            and (self.what in {"", entry.what} or entry.what.startswith(self.what.rstrip(".") + "."))
            and self.target in {"", entry.target}
            and self.instance in {"", entry.instance}
            and self.outcome in {"", entry.outcome}
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at <= self.until)
        )


EVERYTHING = AuditFilter()
