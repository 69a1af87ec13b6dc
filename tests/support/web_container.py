"""A web application in a container as its contract wants it run: what controller and proxy do to it, by hand."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from tests.support.desktop_container import DesktopContainer, Said
from tests.support.eventually import eventually

HEADER = "X-ASCI-Upstream"


def proof(secret: str) -> str:
    """What the application keeps of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass
class WebContainer:
    """One running application. ``present`` and ``coming`` are the secrets that it was told of."""

    container: DesktopContainer
    entry: dict[str, Any]
    """Its catalogue entry."""
    present: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    coming: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def host(self) -> str:
        """Address and port on the engine's bridge."""
        return f"{self.container.address()[0]}:{self.entry['port']}"

    def set_upstream(self) -> Said:
        """As the controller does: by exec, on standard input, 130 bytes."""
        return self.tell(f"{proof(self.present)}\n{proof(self.coming)}\n".encode())

    def tell(self, data: bytes) -> Said:
        """Give ``asci-set-upstream`` these bytes."""
        home = {"ASCI_HOME": self.container.person.home}
        return self.container.exec(["asci-set-upstream"], stdin=data, environment=home)

    def ask(self, path: str, secret: str = "", method: str = "GET", **options: Any) -> requests.Response:
        """A request past any proxy; without a secret where none is given."""
        headers = {**({HEADER: secret} if secret else {}), **options.pop("headers", {})}
        return requests.request(
            method, f"http://{self.host}{path}", headers=headers, timeout=10, allow_redirects=False, **options
        )

    def ready(self) -> bool:
        """Whether it answers at its path of readiness."""
        try:
            return self.ask(self.entry["ready_path"], self.present).status_code < 400
        except requests.ConnectionError:
            return False

    def wait_ready(self) -> None:
        """Until it is ready."""
        eventually(self.ready, within=60, what="the application's answer")

    def wait_listens(self) -> None:
        """Until it answers anything at all."""

        def answers() -> bool:
            try:
                return bool(self.ask("/").status_code)
            except requests.ConnectionError:
                return False

        eventually(answers, within=60, what="the application to listen")


@dataclass
class JupyterKernel:
    """A Python kernel of a JupyterLab, by its own protocol."""

    app: WebContainer
    id: str
    socket: ClientConnection

    @classmethod
    @contextmanager
    def started(cls, app: WebContainer) -> Iterator[JupyterKernel]:
        """A fresh one, and a connection to it."""
        page = app.ask("/lab", app.present)
        token = re.search(r"_xsrf=([^;]+)", page.headers["Set-Cookie"])
        assert token is not None
        headers = {"Cookie": f"_xsrf={token[1]}", "X-XSRFToken": token[1]}
        made = app.ask("/api/kernels", app.present, "POST", headers=headers, json={"name": "python3"})
        assert made.status_code == 201, made.text
        name = made.json()["id"]
        channels = f"ws://{app.host}/api/kernels/{name}/channels"
        with connect(channels, additional_headers={HEADER: app.present}, proxy=None, open_timeout=20) as socket:
            yield cls(app, name, socket)

    def send(self, code: str) -> str:
        """Ask for code to be run; the message's id."""
        message = secrets.token_hex(16)
        header = {"msg_id": message, "msg_type": "execute_request", "username": "", "session": "s", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
        document = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self.socket.send(json.dumps(document))
        return message

    def run(self, code: str, within: float = 60.0) -> str:
        """What code prints; raises RuntimeError with its traceback."""
        message, said, end = self.send(code), "", time.monotonic() + within
        while True:
            heard = json.loads(self.socket.recv(timeout=end - time.monotonic()))
            if heard["parent_header"].get("msg_id") != message:
                continue
            match heard["msg_type"]:
                case "stream":
                    said += heard["content"]["text"]
                case "error":
                    raise RuntimeError("\n".join(heard["content"]["traceback"]))
                case "status" if heard["content"]["execution_state"] == "idle":
                    return said
