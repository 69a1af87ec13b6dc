"""The adminui before its double of the API: pages as browsers get them, and every word between the two held against
the API's document, so that the double cannot drift from it: each question's query and body, each answer's status and
body."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from flask import json

from asci_adminui.app import create_app
from asci_adminui.settings import Settings
from asci_api.http.routes import OPERATIONS
from asci_shared.api.client import ApiServer
from tests.support.admin_double import AdminDouble
from tests.support.api_lab import ORIGIN, Reply, fits, operation_of
from tests.support.portal_lab import Reader, Wire, static_files

FILES = ("admin.css", "admin.js", "overview.js")
_OPERATIONS = {operation.name: operation for operation in OPERATIONS}


class HeldWire(Wire):
    """A wire on which nothing passes that the API's document does not know."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        answer = super().send(request, *args, **options)
        hold(request, answer)
        return answer


def hold(request: requests.PreparedRequest, answer: requests.Response) -> None:
    """Both against the document. Raises AssertionError or marshmallow's ValidationError."""
    url, method = urlsplit(request.path_url), str(request.method)
    operation = _OPERATIONS[operation_of(method, url.path)]
    query = dict(parse_qsl(url.query))
    if operation.query is None:
        assert query == {}, f"{method} {url.path} takes no query"
    else:
        operation.query().load(query)
    if answer.status_code < 400:
        body = json.loads(request.body) if request.body else {}
        if operation.body is None:
            assert body == {}, f"{method} {url.path} takes no body"
        else:
            operation.body().load(body)
    told = answer.json() if "json" in answer.headers.get("Content-Type", "") else None
    fits(method, url.path, Reply(answer.status_code, told, answer.headers, answer.text))  # type: ignore[arg-type]


class AdminLab:
    """One adminui and the double behind it."""

    def __init__(self, folder: Path) -> None:
        self.double = AdminDouble()
        self.wire = HeldWire(self.double.app)
        self.settings = Settings(
            public_url=ORIGIN,
            api_url="http://api:8000",
            facility="Northlight",
            form_key=b"form key",
            static_folder=static_files(folder, FILES),
        )
        self.app = create_app(self.settings, ApiServer("http://api:8000", self.wire))

    def browser(self, username: str = "admin") -> Reader:
        """A browser that signed in at the portal; with an empty name one that did not."""
        reader = Reader(self)
        if username:
            reader.client.set_cookie("asci", f"{username}-token")
            reader.client.set_cookie("asci-visitor", "visitor")
        return reader

    @property
    def changes(self) -> list[tuple[str, str, Any]]:
        """Every change that the API was asked for: method, path, body."""
        return self.double.asked
