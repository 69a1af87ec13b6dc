"""A service with pages as it is run: gunicorn with its own settings file, before a real API on a real Redis."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.support.api_lab import ORIGIN
from tests.support.api_server import ApiServer
from tests.support.portal_lab import static_files

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 60.0


@dataclass
class PagesServer:
    """One service with its workers."""

    address: str
    process: subprocess.Popen[bytes]
    log_file: Path
    api: ApiServer

    @property
    def log(self) -> str:
        """Everything that it said."""
        return self.log_file.read_text()

    def browser(self) -> requests.Session:
        """A browser without script."""
        session = requests.Session()
        session.trust_env = False
        session.headers.update({"Origin": ORIGIN, "X-Forwarded-For": "192.0.2.9"})
        return session

    def signed_in(self, username: str) -> requests.Session:
        """One whose person signed in with the API, as the portal does for her."""
        session = self.browser()
        answer = self.api.sign_in(self.api.visitor(), username)
        assert answer.status_code == 201, answer.text
        session.cookies.set("asci", answer.json()["token"])
        session.cookies.set("asci-visitor", secrets.token_hex(8))
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

    def end(self) -> None:
        """As an operator ends it."""
        self.process.terminate()
        self.process.wait(20)


def start(service: str, api: ApiServer, folder: Path, files: tuple[str, ...] = ()) -> PagesServer:
    """Returns when both workers are up. ``service``: webui or adminui; ``files``: more static files that it names."""
    (folder / "static").mkdir()
    (folder / "metrics").mkdir()
    (folder / "key").write_text(secrets.token_hex(32))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT / f"services/{name}/src") for name in (service, "shared")]),
        "PYTHONWARNINGS": "error",
        "ASCI_API_URL": api.address,
        f"ASCI_{service.upper()}_KEY_FILE": str(folder / "key"),
        "ASCI_STATIC": str(static_files(folder / "static", files)),
        "ASCI_FACILITY": "Northlight",
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
    }
    config = f"services/{service}/gunicorn.conf.py"
    command = [sys.executable, "-m", "gunicorn", "--config", config, "--bind", "127.0.0.1:0"]
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
            return PagesServer(found.group(1), process, log_file, api)
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"the {service} did not start:\n{log_file.read_text()}")
