"""What the controller last saw: nodes, catalogue, and how long starts took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from asci_api.domain.environment import Environment
from asci_api.domain.node import Node
from asci_api.store import codec, keys
from asci_api.store.redis import Argument, Door, answering
from asci_shared.redis_contract import Ring


@dataclass(slots=True)
class RedisCluster:
    """Satisfies ``Cluster``. Each snapshot is parsed once. Safe for threads: what is kept is replaced as a whole."""

    door: Door
    _nodes: tuple[bytes, list[Node]] = (b"", [])
    _environments: tuple[bytes, list[Environment]] = (b"", [])

    def nodes(self) -> list[Node] | None:
        (snapshot,) = self.door.read(keys.NODES)
        if snapshot is None:
            return None
        kept = self._nodes
        if kept[0] != snapshot:
            kept = self._nodes = (snapshot, codec.decode_all(Node, snapshot))
        return list(kept[1])

    def put_nodes(self, nodes: Sequence[Node]) -> None:
        self.door.write("snapshot_put", [keys.NODES], [codec.encode(nodes), keys.SNAPSHOT_SECONDS, ""])

    def environments(self) -> list[Environment] | None:
        (catalogue,) = self.door.read(keys.CATALOGUE)
        if catalogue is None:
            return None
        kept = self._environments
        if kept[0] != catalogue:
            kept = self._environments = (catalogue, codec.decode_all(Environment, catalogue))
        return list(kept[1])

    def put_environments(self, environments: Sequence[Environment]) -> None:
        self.door.write("snapshot_put", [keys.CATALOGUE], [codec.encode(environments), "", Ring("catalogue").to_json()])

    def record_start(self, environment: str, seconds: float) -> None:
        arguments: list[Argument] = [environment, repr(float(seconds)), keys.STARTS_LENGTH]
        self.door.write("start_record", [keys.starts(environment)], arguments)

    def usual_seconds(self, environments: Iterable[str]) -> dict[str, float]:
        names = list(environments)
        with answering(), self.door.client.pipeline(transaction=False) as commands:
            for name in names:
                commands.lrange(keys.starts(name), 0, -1)
            starts = commands.execute()
        return {
            name: median(float(one) for one in seconds) for name, seconds in zip(names, starts, strict=True) if seconds
        }

    def leader(self) -> str | None:
        with answering():
            holder: Any = self.door.client.hget(keys.LEADER, "holder")
        return None if holder is None else holder.decode().rpartition(":")[0]

    def copies(self) -> dict[str, float]:
        with answering():
            found: Any = self.door.client.zrange(keys.COPIES, 0, -1, withscores=True)
        return {name.decode(): at for name, at in found}
