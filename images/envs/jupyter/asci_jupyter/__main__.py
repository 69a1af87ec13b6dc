"""``python3 -m asci_jupyter``: JupyterLab on port 8888 of one person's container."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jupyter_server.serverapp import ServerApp

from asci_jupyter.guard import Guard

PROOFS = Path("/run/asci/upstream")
FIXED = (
    "--ServerApp.ip=0.0.0.0",
    "--ServerApp.port=8888",
    "--ServerApp.port_retries=0",
    "--ServerApp.open_browser=False",
    "--ServerApp.default_url=/lab",
    # the proxy keeps the browser's Host, and has compared Origin with it at every WebSocket
    "--ServerApp.allow_remote_access=True",
    "--ServerApp.identity_provider_class=asci_jupyter.identity.Owner",
    # nothing is fetched from elsewhere
    "--LabApp.extension_manager=readonly",
    # a busy kernel does not hold up the end
    "--KernelManager.shutdown_wait_time=0.5",
)
"""Said on the command line: a person's own configuration does not undo it by accident."""


class GuardedServer(ServerApp):
    """Jupyter's server, with JupyterLab as its page, behind the guard."""

    def init_httpserver(self) -> None:
        """Every request passes the guard before any of Jupyter's handlers, static files and WebSockets included."""
        super().init_httpserver()
        self.http_server.request_callback = Guard(self.web_app, PROOFS)


if __name__ == "__main__":
    folder = os.environ.get("HOME", "/")
    sys.exit(GuardedServer.launch_instance([*FIXED, f"--ServerApp.root_dir={folder}", *sys.argv[1:]]))
