"""The portal as it is run, gunicorn with its own settings file, before the API as it is run, on a real Redis."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.support.api_lab import ORIGIN, password_of
from tests.support.api_server import ApiServer
from tests.support.portal_lab import static_files

ROOT = Path(__file__).resolve().parents[3]
STARTS_WITHIN = 60.0


@dataclass
class PortalServer:
    """One portal process with its workers."""

    address: str
    process: subprocess.Popen[bytes]
    log_file: Path
    api: ApiServer

    @property
    def log(self) -> str:
        """Everything that it said."""
        return self.log_file.read_text()

    def browser(self, username: str = "") -> requests.Session:
        """A browser without script, signed in where a person is named."""
        session = requests.Session()
        session.trust_env = False
        session.headers.update({"Origin": ORIGIN, "X-Forwarded-For": "192.0.2.9"})
        if username:
            answer = self.post(session, "/sign-in", "/sign-in", username=username, password=password_of(username))
            assert answer.status_code == 303, answer.text
        return session

    def get(self, session: requests.Session, path: str, **headers: str) -> requests.Response:
        """Open a page."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return session.get(self.address + path, headers=named, timeout=30, allow_redirects=False)

    def post(self, session: requests.Session, page: str, path: str, /, **fields: str) -> requests.Response:
        """Send a form of a page."""
        found = re.search(r'name="form_token" value="([^"]+)"', self.get(session, page).text)
        assert found
        data = {"form_token": found.group(1), **fields}
        return session.post(self.address + path, data=data, timeout=30, allow_redirects=False)


def start(api: ApiServer, folder: Path) -> PortalServer:
    """Returns when both workers are up."""
    (folder / "static").mkdir()
    (folder / "metrics").mkdir()
    (folder / "key").write_text(secrets.token_hex(32))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT / "services/webui/src"), str(ROOT / "services/shared/src")]),
        "PYTHONWARNINGS": "error",
        "ASCI_API_URL": api.address,
        "ASCI_WEBUI_KEY_FILE": str(folder / "key"),
        "ASCI_STATIC": str(static_files(folder / "static")),
        "ASCI_FACILITY": "Northlight",
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "services/webui/gunicorn.conf.py", "--bind", "127.0.0.1:0"]
    log_file = folder / "log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        said = log_file.read_text()
        found = re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", said)
        if found and said.count("Booting worker") == 2:
            return PortalServer(found.group(1), process, log_file, api)
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"the portal did not start:\n{log_file.read_text()}")


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalServer]:
    with ApiServer() as api:
        server = start(api, tmp_path_factory.mktemp("portal"))
        yield server
        server.process.terminate()
        server.process.wait(20)
