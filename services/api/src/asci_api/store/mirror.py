"""What a process knows of all instances, kept up by the changes: a list of 5,000 costs what changed since the last."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from asci_api.domain.instance import Instance
from asci_api.store import keys
from asci_api.store.redis import Argument, Door
from asci_shared.redis_contract import SENTINEL

MOST_CHANGES = 1000
"""With more than these at once everything is read again."""

Change = tuple[str, "Instance | None"]
"""An id, and the record as it is now; None where it was forgotten."""


@dataclass(frozen=True, slots=True)
class Everything:
    """All instances at one moment, oldest first."""

    epoch: str = ""
    cursor: str = ""
    """The last change that is in it."""
    instances: tuple[Instance, ...] = ()
    active: tuple[Instance, ...] = ()

    @classmethod
    def of(cls, epoch: str, cursor: str, instances: Iterable[Instance]) -> Everything:
        ordered = tuple(sorted(instances, key=lambda one: (one.created_at, one.id)))
        return cls(epoch, cursor, ordered, tuple(one for one in ordered if not one.ended))

    def after(self, cursor: str, changes: Iterable[Change]) -> Everything:
        """With these changes, in their order."""
        now = {one.id: one for one in self.instances}
        for instance, record in changes:
            if record is None:
                now.pop(instance, None)  # type: ignore[call-overload]
            else:
                now[record.id] = record
        return Everything.of(self.epoch, cursor, now.values())


@dataclass(slots=True)
class Mirror:
    """Safe for threads: what it keeps is frozen, and replaced as a whole."""

    door: Door
    read_all: Callable[[], Iterable[Instance]]
    """Every record, read anew."""
    read_one: Callable[[str, bytes], Instance | None]
    """A record from its id and document; None where it cannot be read."""
    _known: Everything = field(default_factory=Everything)

    def now(self) -> Everything:
        """As Redis has it now. Raises ``Restoring``."""
        known = self._known
        asked: list[Argument] = [known.epoch, known.cursor, MOST_CHANGES]
        answer: list[Any] = self.door.run("instance_changes", [SENTINEL, keys.CHANGES], asked)
        epoch, last, goes_on = (part.decode() for part in answer[:3])
        if goes_on == "0":
            known = Everything.of(epoch, last, self.read_all())
        elif last != known.cursor:
            known = known.after(last, self._changes(answer[3:]))
        self._known = known
        return known

    def _changes(self, flat: list[bytes]) -> list[Change]:
        """The last change of each instance."""
        last = {flat[at].decode(): flat[at + 1] for at in range(0, len(flat), 2)}
        return [(one, self.read_one(one, document) if document else None) for one, document in last.items()]
