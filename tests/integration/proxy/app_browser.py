"""A browser of the tests' own for applications' hosts: HTTP by http.client or by hand, WebSockets by a library."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import websockets.sync.client as ws

from asci_shared import passwords
from asci_shared import redis_contract as contract
from tests.integration.proxy.portal import KEY, ORIGIN, Portal, Proxy

INSTANCE = "k3v9x2mq"


@dataclass
class Answer:
    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for one, value in self.fields if one.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        """The field, which must be there once."""
        (value,) = self.all(name)
        return value

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class AppBrowser:
    """One browser on one application's host; keeps the proxy's cookie as a browser does."""

    proxy: Proxy
    instance: str = INSTANCE
    cookie: str = ""
    domain: str = "localhost:8080"
    portal: str = ORIGIN

    @property
    def host(self) -> str:
        return f"{self.instance}.{self.domain}"

    @property
    def origin(self) -> str:
        return f"{self.portal.partition(':')[0]}://{self.host}"

    def enter(self, ticket: contract.Ticket, **changes: Any) -> Answer:
        """Post the form as the portal's page does, and keep the cookie."""
        form = {"connection": ticket.connection, "password": passwords.one_time_password(KEY, ticket.connection)}
        form |= changes.pop("form", {})
        fields = {"Origin": self.portal, "Content-Type": "application/x-www-form-urlencoded"} | changes.pop(
            "fields", {}
        )
        fields = {name: value for name, value in fields.items() if value is not None}
        answer = self.ask("POST", "/.asci/enter", body=urlencode(form).encode(), fields=fields)
        for line in answer.all("Set-Cookie"):
            self.cookie = line.split(";")[0]
        return answer

    def fields(self, more: dict[str, str] | None = None) -> dict[str, str]:
        own = {"Host": self.host} | ({"Cookie": self.cookie} if self.cookie else {})
        return own | (more or {})

    def ask(
        self, method: str, target: str, body: Any = None, fields: dict[str, str] | None = None, **options: Any
    ) -> Answer:
        """A request on a connection of its own, and the whole answer."""
        with self.asking(method, target, body, fields, **options) as answer:
            return Answer(answer.status, answer.getheaders(), answer.read())

    @contextlib.contextmanager
    def asking(
        self, method: str, target: str, body: Any = None, fields: dict[str, str] | None = None, **options: Any
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer once its head is there."""
        door = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=30)
        try:
            door.request(method, target, body=body, headers=self.fields(fields), **options)
            yield door.getresponse()
        finally:
            door.close()

    def wire(self) -> socket.socket:
        """A bare connection to the proxy."""
        return socket.create_connection(("127.0.0.1", self.proxy.port), timeout=30)

    def socket(self, target: str = "/ws", **options: Any) -> ws.ClientConnection:
        """An open WebSocket."""
        own = {"origin": self.origin, "additional_headers": {"Cookie": self.cookie} if self.cookie else {}}
        address = f"ws://{self.host}{target}"
        return ws.connect(address, sock=self.wire(), proxy=None, max_size=None, **(own | options))


def ticket(portal: Portal, token: str, port: int, **changes: Any) -> contract.Ticket:
    return portal.ticket(token, port, **({"kind": "web", "instance": INSTANCE} | changes))


def entered(proxy: Proxy, portal: Portal, port: int, token: str = "", **changes: Any) -> AppBrowser:
    """A browser with an app session."""
    browser = AppBrowser(proxy, instance=changes.get("instance", INSTANCE))
    answer = browser.enter(ticket(portal, token or portal.sign_in(), port, **changes))
    assert answer.status == 303, (answer.status, answer.body)
    return browser
