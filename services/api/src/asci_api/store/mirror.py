"""What a process knows of all instances, kept up by the changes: a list of 5,000 costs what changed since the last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from asci_api.domain.instance import ENDED, Instance
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
    places: Mapping[str, int] = field(default_factory=dict)
    """Where each stands."""

    @classmethod
    def of(cls, epoch: str, cursor: str, instances: Iterable[Instance]) -> Everything:
        ordered = tuple(sorted(instances, key=lambda one: (one.created_at, one.id)))
        return cls(epoch, cursor, ordered, _active(ordered), {one.id: place for place, one in enumerate(ordered)})

    def after(self, cursor: str, changes: Sequence[Change]) -> Everything:
        """With these changes, one for each instance."""
        if any(record is None or instance not in self.places for instance, record in changes):
            changed = dict(changes)
            rest = [one for one in self.instances if one.id not in changed]
            return Everything.of(self.epoch, cursor, [*rest, *(one for one in changed.values() if one is not None)])
        instances = list(self.instances)
        for instance, record in changes:
            if record is not None:
                instances[self.places[instance]] = record
        return replace(self, cursor=cursor, instances=tuple(instances), active=_active(instances))


def _active(instances: Iterable[Instance]) -> tuple[Instance, ...]:
    return tuple([one for one in instances if one.state not in ENDED])


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
