"""The API's client: one :class:`ApiServer` a process, one :class:`Api` a person and request.

Every method raises :class:`~asci_shared.api.errors.ApiProblem` for an error of the API and
:class:`~asci_shared.api.errors.ApiAway` when it does not answer in time or with nonsense.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from asci_shared import request_id
from asci_shared.api.errors import ApiAway, problem_from
from asci_shared.api.models import Environment, Instance, Json, Log, Me, Notice, Person, Share, SignIn

T = TypeVar("T")

_CONNECT_SECONDS = 1.5
_ANSWER_SECONDS = 8.0
_PAGE = 200
_POOL = 16


@dataclass(frozen=True, slots=True)
class Tagged(Generic[T]):
    """An answer with its tag; ``value`` is None when it did not change since the tag that was sent."""

    value: T | None
    tag: str


class ApiServer:
    """Where the API is, and the connections kept to it. Safe to share between threads."""

    def __init__(self, address: str, transport: BaseAdapter | None = None) -> None:
        """``transport`` is how bytes travel: HTTP by default."""
        self._address = address.rstrip("/")
        self._http = requests.Session()
        self._http.trust_env = False
        adapter = transport or HTTPAdapter(pool_connections=2, pool_maxsize=_POOL, max_retries=0)
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, adapter)

    def caller(self, token: str = "", forwarded_for: str = "") -> Api:
        """The API as this person, asking from this address."""
        return Api(self, token, forwarded_for)

    def ask(self, method: str, path: str, headers: dict[str, str], **body: Any) -> requests.Response:
        """One question. Answers below 400 come back, others are raised."""
        url = f"{self._address}{path}"
        try:
            answer = self._http.request(
                method, url, headers=headers, timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS), allow_redirects=False, **body
            )
        except requests.RequestException as error:
            raise ApiAway(type(error).__name__) from error
        finally:
            self._http.cookies.clear()  # the API also answers with a cookie: it belongs to one person, the pool to all
        if answer.status_code >= 400:
            raise self._error(answer)
        return answer

    @staticmethod
    def _error(answer: requests.Response) -> Exception:
        try:
            document = answer.json()
        except ValueError:
            document = None
        if not isinstance(document, dict) or "type" not in document:
            return ApiAway(f"status {answer.status_code} without a problem document")
        return problem_from(answer.status_code, document)


class Api:
    """The API's calls, for one person."""

    def __init__(self, server: ApiServer, token: str, forwarded_for: str) -> None:
        self._server = server
        self._token = token
        self._forwarded_for = forwarded_for

    # people

    def sign_in(self, username: str, password: str) -> SignIn:
        """A new token."""
        return self.read("POST", "/sessions", SignIn.read, json={"username": username, "password": password})

    def sign_out(self) -> None:
        """End the token."""
        self.ask("DELETE", "/sessions/current")

    def me(self) -> Me:
        """Who this is, with quota and usage."""
        return self.read("GET", "/me", Me.read)

    def change_password(self, current: str, new: str) -> None:
        """Her other sign-ins end."""
        self.ask("PUT", "/me/password", json={"current": current, "new": new})

    def people(self, text: str) -> tuple[Person, ...]:
        """People one may share with, by the beginning of a name."""
        return self.read("GET", "/users", _items(Person.read), params={"q": text})

    # what there is

    def environments(self) -> tuple[Environment, ...]:
        """The whole catalogue."""
        return tuple(self.pages("/environments", Environment.read, {}))

    def notice(self) -> Notice | None:
        """The operator's notice, if any."""
        answer = self.ask("GET", "/notice")
        return None if answer.status_code == 204 else _decoded(answer, Notice.read)

    # instances

    def instances(self, tag: str = "") -> Tagged[tuple[Instance, ...]]:
        """One's own and what is shared with one; nothing new when ``tag`` still holds."""
        answer = self.ask("GET", "/instances", headers={"If-None-Match": tag} if tag else {}, params={"limit": _PAGE})
        fresh = answer.headers.get("ETag", "")
        if answer.status_code == 304:
            return Tagged(None, tag)
        return Tagged(_decoded(answer, _items(Instance.read)), fresh)

    def instance(self, instance_id: str, tag: str = "") -> Tagged[Instance]:
        """One instance; nothing new when ``tag`` still holds."""
        headers = {"If-None-Match": tag} if tag else {}
        answer = self.ask("GET", f"/instances/{quote(instance_id, safe='')}", headers=headers)
        if answer.status_code == 304:
            return Tagged(None, tag)
        return Tagged(_decoded(answer, Instance.read), answer.headers.get("ETag", ""))

    def start(self, environment: str, title: str = "", geometry: str = "", key: str = "") -> Instance:
        """Start an environment. ``key`` (Idempotency-Key) makes a repeated click one start."""
        wish = {"environment": environment, "title": title, "geometry": geometry}
        body = {name: value for name, value in wish.items() if value}
        return self.read(
            "POST", "/instances", Instance.read, json=body, headers={"Idempotency-Key": key} if key else {}
        )

    def change(self, instance_id: str, **changes: str) -> Instance:
        """Change ``title`` or ``expires_at`` (RFC 3339)."""
        return self.read("PATCH", f"/instances/{quote(instance_id, safe='')}", Instance.read, json=changes)

    def stop(self, instance_id: str) -> None:
        """Stop it; an ended one leaves the list."""
        self.ask("DELETE", f"/instances/{quote(instance_id, safe='')}")

    def log(self, instance_id: str) -> Log:
        """Its last lines."""
        return self.read("GET", f"/instances/{quote(instance_id, safe='')}/logs", Log.read)

    def share(self, instance_id: str, username: str, mode: str) -> Share:
        """Give or change somebody's right (``view`` or ``control``)."""
        return self.read("PUT", self._share_path(instance_id, username), Share.read, json={"mode": mode})

    def unshare(self, instance_id: str, username: str) -> None:
        """Take it away; her picture closes."""
        self.ask("DELETE", self._share_path(instance_id, username))

    @staticmethod
    def _share_path(instance_id: str, username: str) -> str:
        return f"/instances/{quote(instance_id, safe='')}/shares/{quote(username, safe='')}"

    # how it is asked

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **body: Any) -> requests.Response:
        """One question below ``/api/v1``; ``body`` as requests takes it: json, params, stream."""
        facts = {
            "Accept": "application/json",
            request_id.HEADER: request_id.current(),
            "Authorization": f"Bearer {self._token}" if self._token else "",
            "X-Forwarded-For": self._forwarded_for,
            **(headers or {}),
        }
        return self._server.ask(
            method, f"/api/v1{path}", {name: value for name, value in facts.items() if value}, **body
        )

    def read(self, method: str, path: str, read: Callable[[Any], T], **ask: Any) -> T:
        """One question whose answer ``read`` takes."""
        return _decoded(self.ask(method, path, **ask), read)

    def pages(self, path: str, read: Callable[[Json], T], params: Mapping[str, str | int]) -> Iterator[T]:
        """Every item of a paged list."""
        cursor = ""
        while True:
            document = json_of(self.ask("GET", path, params={**params, **({"cursor": cursor} if cursor else {})}))
            yield from _guarded(_items(read), document)
            cursor = document.get("next_cursor") or ""
            if not cursor:
                return


def _items(read: Callable[[Json], T]) -> Callable[[Json], tuple[T, ...]]:
    return lambda document: tuple(read(item) for item in document["items"])


def json_of(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise ApiAway("an answer that is no JSON") from error


def _decoded(answer: requests.Response, read: Callable[[Any], T]) -> T:
    return _guarded(read, json_of(answer))


def _guarded(read: Callable[[Any], T], document: Any) -> T:
    try:
        return read(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ApiAway(f"an answer of another shape ({error!r})") from error
