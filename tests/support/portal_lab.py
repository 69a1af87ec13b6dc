"""The portal over the real API in memory: pages as browsers get them, with cookies and form tokens."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Protocol

import requests
from flask import Flask
from requests.adapters import BaseAdapter
from urllib3.response import HTTPResponse

from asci_shared.api.client import ApiServer
from asci_webui.app import create_app
from asci_webui.settings import Settings
from tests.support.api_lab import ORIGIN, ApiLab, password_of

ICONS = ("monitor", "server", "notebook-pen", "hourglass", "check")
FILES = (
    "portal.css", "desk.css", "portal.js", "home.js", "session.js", "signin.js", "viewer.js", "mark.svg",
    "inter-latin-wght-normal.woff2",
)  # fmt: skip


class Wire(BaseAdapter):
    """Carries a request to a WSGI app in this process. Can be cut, and remembers what passed."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app
        self.cut = False
        self.passed: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """As requests' own adapters do, without a network."""
        self.passed.append(request)
        if self.cut:
            raise requests.ConnectionError("the wire is cut")
        body = request.body.encode() if isinstance(request.body, str) else request.body
        answer = self._app.test_client(use_cookies=False).open(
            request.path_url, method=request.method, headers=dict(request.headers), data=body
        )
        raw = HTTPResponse(io.BytesIO(answer.data), dict(answer.headers), answer.status_code, preload_content=False)
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing is held."""


def static_files(folder: Path, more: tuple[str, ...] = ()) -> Path:
    """What scripts/build-static leaves, without the content."""
    symbols = "".join(f'<symbol id="{name}"></symbol>' for name in ICONS)
    (folder / "icons.abc.svg").write_text(f"<svg>{symbols}</svg>")
    names = {name: name.replace(".", ".abc.", 1) for name in (*FILES, *more, "icons.svg")}
    (folder / "manifest.json").write_text(json.dumps(names))
    return folder


@dataclass(frozen=True)
class Answer:
    """A page as a browser gets it."""

    status: int
    html: str
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """What a person reads: no tags, one blank between words."""
        reader = _Reader()
        reader.feed(self.html)
        return " ".join(" ".join(reader.words).split())

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self._silent += tag in {"script", "style", "title"}

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style", "title"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


class PortalLab:
    """One portal and the API behind it."""

    def __init__(self, folder: Path, development: bool = False, administration: bool = False) -> None:
        (folder / "api").mkdir()
        (folder / "static").mkdir()
        self.api = ApiLab(folder / "api")
        self.api.offer()
        self.wire = Wire(self.api.app)
        self.settings = Settings(
            public_url=ORIGIN,
            api_url="http://api:8000",
            facility="Northlight",
            form_key=b"form key",
            static_folder=static_files(folder / "static"),
            apps_domain="apps.example.org",
            administration=administration,
            development=development,
        )
        self.app = create_app(self.settings, ApiServer("http://api:8000", self.wire))

    def browser(self, username: str = "") -> Reader:
        """A fresh browser, signed in where a name is given."""
        reader = Reader(self)
        if username:
            assert reader.sign_in(username).status == 303
        return reader


class HasApp(Protocol):
    """A lab of pages."""

    @property
    def app(self) -> Flask:
        """The app under test."""


class Reader:
    """A browser without script: keeps cookies, sends forms with the token of the page that it saw last."""

    def __init__(self, lab: HasApp) -> None:
        self.client = lab.app.test_client()
        self.token = ""

    def get(self, path: str, **headers: str) -> Answer:
        """Open a page."""
        return self._took(
            self.client.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        )

    def post(self, path: str, headers: Mapping[str, str] | None = None, /, **fields: str) -> Answer:
        """Send a form of the last page."""
        data = {"form_token": self.token, **fields}
        return self._took(self.client.post(path, data=data, headers={"Origin": ORIGIN, **(headers or {})}))

    def sign_in(self, username: str, password: str = "", **fields: str) -> Answer:
        """By the form; leaves the browser at home."""
        self.get("/sign-in")
        answer = self.post("/sign-in", username=username, password=password or password_of(username), **fields)
        if answer.status == 303:
            self.get("/help")
        return answer

    def _took(self, response: Any) -> Answer:
        html = response.get_data(as_text=True)
        if found := re.search(r'name="form_token" value="([^"]+)"', html):
            self.token = found.group(1)
        return Answer(response.status_code, html, response.headers)
