"""The API's calls that only admins may make, for one of them. Raises as :mod:`asci_shared.api.client` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from asci_shared.api.client import Api, Tagged, json_of
from asci_shared.api.cluster import (
    Account,
    CatalogueEntry,
    Decision,
    Deed,
    Explanation,
    Node,
    Overview,
    Stats,
    Step,
)
from asci_shared.api.models import Instance, Json

T = TypeVar("T")
Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list, and where the next begins (empty: it is the last)."""

    items: tuple[T, ...]
    next_cursor: str


class Steering:
    """What admins look at and change."""

    def __init__(self, api: Api) -> None:
        self.api = api

    # what there is

    def overview(self) -> Overview:
        """The cluster in a few numbers, and what needs somebody."""
        return self.api.read("GET", "/overview", Overview.read)

    def stats(self, window: str) -> Stats:
        """Series over ``1h``, ``6h``, ``24h`` or ``7d``."""
        return self.api.read("GET", "/stats", Stats.read, params={"window": window})

    def nodes(self) -> tuple[Node, ...]:
        """All of them, by name."""
        return tuple(self.api.pages("/nodes", Node.read, {"limit": 500}))

    def node(self, name: str) -> Node:
        """One node."""
        return self.api.read("GET", _node(name), Node.read)

    def instances(self, query: Query) -> Page[Instance]:
        """A page of everybody's sessions; ``query``: state, owner, node, q, limit, cursor."""
        return self._page("/instances", Instance.read, {"scope": "all", **query})

    def decision(self, instance_id: str) -> Decision:
        """Why it is where it is."""
        return self.api.read("GET", f"/instances/{quote(instance_id, safe='')}/decision", Decision.read)

    def policy(self) -> Tagged[dict[str, Any]]:
        """The scheduler's policy as a document, and its tag."""
        answer = self.api.ask("GET", "/scheduler/policy")
        return Tagged(dict(json_of(answer)), answer.headers.get("ETag", ""))

    def explain(self, environment: str, username: str = "") -> Explanation:
        """Where it would go now, for this person."""
        wish = {"environment": environment, **({"username": username} if username else {})}
        return self.api.read("POST", "/scheduler/explain", Explanation.read, json=wish)

    def catalogue(self) -> tuple[CatalogueEntry, ...]:
        """Every environment, those that are switched off too."""
        return tuple(self.api.pages("/environments", CatalogueEntry.read, {"scope": "all"}))

    def accounts(self, query: Query) -> Page[Account]:
        """A page of people; ``query``: q, limit, cursor."""
        return self._page("/people", Account.read, query)

    def audit(self, query: Query) -> Page[Deed]:
        """A page of the audit, newest first."""
        return self._page("/audit", Deed.read, query)

    def audit_csv(self, query: Query) -> Iterator[bytes]:
        """The same filter with all its rows as CSV, as they come."""
        answer = self.api.ask("GET", "/audit", headers={"Accept": "text/csv"}, params=query, stream=True)
        return answer.iter_content(64 * 1024)

    # changes

    def register(self, node: Mapping[str, Any]) -> Node:
        """A new node."""
        return self.api.read("POST", "/nodes", Node.read, json=node)

    def change_node(self, name: str, **changes: Any) -> Node:
        """labels, taints, state, deadline, reason, overcommit, gone."""
        return self.api.read("PATCH", _node(name), Node.read, json=changes)

    def remove_node(self, name: str) -> None:
        """Forget a node that holds no session."""
        self.api.ask("DELETE", _node(name))

    def put_policy(self, document: Mapping[str, Any], tag: str) -> None:
        """The whole policy; 412 where it changed since ``tag``."""
        self.api.ask("PUT", "/scheduler/policy", headers={"If-Match": tag} if tag else {}, json=document)

    def change_environment(self, name: str, **changes: Any) -> None:
        """enabled, allow."""
        self.api.ask("PATCH", f"/environments/{quote(name, safe='')}", json=changes)

    def set_quota(self, username: str, quota: Mapping[str, int | None] | None) -> None:
        """A quota of her own, or the one of the policy again (None)."""
        self.api.ask("PATCH", f"/people/{quote(username, safe='')}", json={"quota": quota})

    def end_sign_ins(self, username: str) -> None:
        """She is signed out everywhere; her sessions go on."""
        self.api.ask("DELETE", f"/people/{quote(username, safe='')}/sessions")

    def stop(self, instance_id: str, reason: str) -> None:
        """Stop somebody's session; she reads the reason."""
        body: dict[str, Any] = {"json": {"reason": reason}} if reason else {}
        self.api.ask("DELETE", f"/instances/{quote(instance_id, safe='')}", **body)

    def put_out(self, instance_id: str, connection_id: str) -> None:
        """Close one viewer's picture."""
        path = f"/instances/{quote(instance_id, safe='')}/connections/{quote(connection_id, safe='')}"
        self.api.ask("DELETE", path)

    def take(self, step: Step) -> None:
        """A step that the overview offers."""
        body = {"json": step.body} if step.body is not None else {}
        self.api.ask(step.method, step.path.removeprefix("/api/v1"), **body)

    def _page(self, path: str, read: Callable[[Json], T], query: Query) -> Page[T]:
        given = {name: value for name, value in query.items() if value not in ("", None)}
        return self.api.read(
            "GET",
            path,
            lambda json: Page(tuple(read(item) for item in json["items"]), json.get("next_cursor") or ""),
            params=given,
        )


def _node(name: str) -> str:
    return f"/nodes/{quote(name, safe='')}"
