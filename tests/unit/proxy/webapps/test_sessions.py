"""App sessions at hand, with the store in the test's hand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asci_proxy.live import LiveTable
from asci_proxy.store import Standing
from asci_proxy.tickets import Refused
from asci_proxy.webapps.records import AppRight
from asci_proxy.webapps.sessions import AppSession, AppSessions
from asci_shared import redis_contract as contract

RIGHT = AppRight(
    connection="c1", instance="i1", username="ada", name="Ada", token="t1", mode="control", generation=1,
    address="10.0.0.1", port=8888, issued_at=100.0, since=100.0, epoch="e",
)  # fmt: skip
FOR_EVER = 4e9
RECORD = contract.TokenRecord("ada", "Ada", (), created_at=0.0, expires_at=FOR_EVER, idle_seconds=1800)


class Keeper:
    def session_ended(self, session: AppSession, code: int, reason: str) -> None: ...


class Records:
    """A store that finds one right; ``pushed`` comes right after the tombstones were read."""

    def __init__(self, live: LiveTable) -> None:
        self.live = live
        self.pushed: contract.Revocation | None = None

    async def find(self, _cookie_hash: str) -> AppRight:
        return RIGHT

    async def standing(self, _token: str) -> Standing:
        return Standing(restored=True, record=RECORD, now=100.0)

    async def revocations(self, _since: float) -> list[contract.Revocation]:
        if self.pushed is not None:
            asyncio.get_running_loop().call_soon(self.live.apply, self.pushed)
        return []


def find(pushed: contract.Revocation | None) -> AppSession:
    async def ask() -> AppSession:
        live = LiveTable()
        records: Any = Records(live)
        records.pushed = pushed
        return await AppSessions(records, live, Keeper()).find(["hash"], "i1")

    return asyncio.run(ask())


def test_a_session_is_found() -> None:
    assert find(None).right == RIGHT


def test_one_that_is_revoked_right_after_it_was_loaded_begins_nothing() -> None:
    """What began would stand in no table that a revocation reaches any more."""
    with pytest.raises(Refused, match="gone") as refused:
        find(contract.Revocation("r1", "instance", 200.0, 4404, "gone", instance="i1"))
    assert refused.value.code == 4404
