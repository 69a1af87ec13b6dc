"""Sign-ins, by the hash of their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asci_api.domain.errors import Restoring
from asci_api.domain.identity import Username
from asci_api.domain.ports import Seen
from asci_api.store import codec, keys
from asci_api.store.redis import Door, answering
from asci_shared.redis_contract import SENTINEL, TokenRecord, token_key


@dataclass(frozen=True, slots=True)
class RedisTokens:
    """Satisfies ``Tokens``. What ends is judged by Redis' clock."""

    door: Door

    def add(self, token_hash: str, record: TokenRecord) -> None:
        wanted = [token_key(token_hash), keys.tokens_of(record.username)]
        document = codec.encode(record)
        self.door.write("token_add", wanted, [token_hash, document, record.idle_seconds, repr(record.expires_at)])

    def use(self, token_hash: str) -> TokenRecord | None:
        record: bytes | None = self.door.run("token_use", [SENTINEL, token_key(token_hash)], [])
        return None if record is None else codec.decode(TokenRecord, record)

    def drop(self, token_hash: str) -> None:
        self.door.write("token_drop", [token_key(token_hash)], [token_hash])

    def of(self, username: Username) -> list[str]:
        standing = self.door.run("tokens_of", [SENTINEL, keys.tokens_of(username)], [token_key("")])
        return [token_hash.decode() for token_hash in standing]

    def seen(self, usernames: Sequence[Username]) -> dict[Username, Seen]:
        wanted = [SENTINEL, *(keys.tokens_of(username) for username in usernames)]
        flat = self.door.run("tokens_seen", wanted, [token_key("")])
        told = (Seen(flat[at], float(flat[at + 1]) if flat[at + 1] else None) for at in range(0, len(flat), 2))
        return dict(zip(usernames, told, strict=True))

    def standing(self) -> dict[str, TokenRecord]:
        with answering():
            found = sorted({key.decode() for key in self.door.client.scan_iter(keys.TOKENS, count=1000)})
        sentinel, *documents = self.door.read(SENTINEL, *found)
        if sentinel is None:
            raise Restoring
        return {
            key.removeprefix(token_key("")): codec.decode(TokenRecord, document)
            for key, document in zip(found, documents, strict=True)
            if document is not None
        }
