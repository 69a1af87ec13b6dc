"""Tombstones for live connections."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from asci_api.store import codec, keys
from asci_api.store.redis import Door
from asci_shared.redis_contract import REVOCATION_SECONDS, REVOCATIONS, Mode, Revocation, RevocationKind


@dataclass(frozen=True, slots=True)
class RedisRevocations:
    """Satisfies ``Revocations``."""

    door: Door

    def revoke(
        self,
        kind: RevocationKind,
        *,
        code: int,
        reason: str,
        instance: str = "",
        username: str = "",
        connection: str = "",
        token: str = "",
        modes: Sequence[Mode] = (Mode.CONTROL, Mode.VIEW),
        generation: int = 0,
    ) -> Revocation:
        revocation = Revocation(
            id=secrets.token_hex(8),
            kind=str(kind),
            at=0.0,
            code=int(code),
            reason=reason,
            instance=instance,
            username=username,
            connection=connection,
            token=token,
            modes=tuple(str(mode) for mode in modes),
            generation=generation,
        )
        fields = codec.plain(revocation)
        del fields["at"]
        at: bytes = self.door.write("revoke", [REVOCATIONS], [codec.dump(fields), REVOCATION_SECONDS])
        return replace(revocation, at=float(at))

    def ended(self, token: str) -> bool:
        return self.door.read(keys.token_ended(token)) != [None]
