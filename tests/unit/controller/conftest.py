from __future__ import annotations

import pytest

from asci_api.domain.instance import Instance
from asci_api.work.advance_instance import advance_instance
from tests.support.controller_room import Room
from tests.support.people import queued


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def running(room: Room) -> Instance:
    """A desktop that was started and runs."""
    record = room.store.instances.add(queued(now=room.store.clock()))
    room.place()
    advance_instance(room.desk, record.id)
    return room.now(record)
