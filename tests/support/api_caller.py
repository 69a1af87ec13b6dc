"""The REST API as a program of a person's own would call it: over the edge, with a Bearer token."""

from __future__ import annotations

from typing import Any, Self

import requests

from tests.support.eventually import eventually
from tests.support.secrets_seen import SecretsSeen

Json = dict[str, Any]
ALIVE = ("queued", "placed", "pulling", "starting", "running")
TIMEOUT = 20.0


class ApiCaller:
    """One person's calls. Every secret that an answer holds is remembered."""

    def __init__(self, url: str, secrets: SecretsSeen, token: str = "") -> None:
        self.url = url
        self.token = token
        self.username = ""
        self._secrets = secrets
        self._session = requests.Session()
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    @classmethod
    def signed_in(cls, url: str, secrets: SecretsSeen, username: str, password: str) -> Self:
        """Signs in; an installation counts tries, so do it once a person."""
        answer = cls(url, secrets).post("/sessions", {"username": username, "password": password})
        assert answer.status_code == 201, answer.text
        caller = cls(url, secrets, secrets.add(answer.json()["token"], f"sign-in token of {username}"))
        caller.username = username
        return caller

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Any call; ``path`` is below ``/api/v1``."""
        return self._session.request(method, f"{self.url}/api/v1{path}", timeout=TIMEOUT, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Json | None = None, **options: Any) -> requests.Response:
        return self.request("POST", path, json=body if body is not None else {}, **options)

    def put(self, path: str, body: Json) -> requests.Response:
        return self.request("PUT", path, json=body)

    def delete(self, path: str) -> requests.Response:
        return self.request("DELETE", path)

    def close(self) -> None:
        """Lets the connections go; the sign-in stays."""
        self._session.close()

    # -- what tests do with instances

    def start(self, environment: str, **more: Any) -> Json:
        """Asks for an instance and returns it as first answered."""
        answer = self.post("/instances", {"environment": environment, **more})
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def instance(self, name: str) -> Json:
        answer = self.get(f"/instances/{name}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def instances(self) -> list[Json]:
        answer = self.get("/instances")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def wait_state(self, name: str, *states: str, within: float = 60.0) -> Json:
        """The instance once it is in one of the states."""
        last: Json = {}

        def look() -> Json | None:
            last.update(self.instance(name))
            return last if last["state"] in states else None

        try:
            return eventually(look, within=within, what=f"{name} to be {' or '.join(states)}")
        except TimeoutError as error:
            raise TimeoutError(
                f"{error}; state {last.get('state')}, {last.get('error') or last.get('queue')}"
            ) from None

    def stop(self, name: str, *, within: float = 30.0) -> None:
        """Stops it and waits for its end."""
        answer = self.delete(f"/instances/{name}")
        assert answer.status_code in {202, 204}, answer.text
        self.wait_state(name, "stopped", "failed", within=within)

    def stop_all(self) -> None:
        """Stops everything of this person that is alive."""
        alive = [i for i in self.instances() if i["state"] in ALIVE and i["owner"]["username"] == self.username]
        for one in alive:
            self.delete(f"/instances/{one['id']}")
        for one in alive:
            self.wait_state(one["id"], "stopped", "failed", within=30.0)

    def connect(self, name: str, mode: str = "control") -> Json:
        """A new connection: id, url, one-time password."""
        answer = self.post(f"/instances/{name}/connections", {"mode": mode})
        assert answer.status_code == 201, answer.text
        ticket = dict(answer.json())
        self._secrets.add(ticket["password"], f"one-time password of a {ticket['mode']} connection of {self.username}")
        return ticket
