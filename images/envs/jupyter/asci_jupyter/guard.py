"""The door: a request without the upstream secret of ASCI's proxy meets nothing of Jupyter.

Neighbours may be able to connect to this port; the secret is what tells the proxy from them. The file holds the SHA-256
of the secrets that count, a line each; ``asci-set-upstream`` replaces it when a right is taken back. Until it is there,
nobody gets in.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from pathlib import Path
from typing import Any

from tornado import httputil, routing, web

HEADER = "X-ASCI-Upstream"


@web.stream_request_body
class Refusal(web.RequestHandler):
    """403 to whatever comes, before its body is read."""

    def prepare(self) -> None:
        """Answer at once."""
        self.set_status(403)
        self.set_header(HEADER, "refused")
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("This application is reached through ASCI only.\n")

    def data_received(self, chunk: bytes) -> None:
        """What still arrives is not kept."""


class Guard(routing.Router):
    """Passes requests with a secret on to ``application``, without it. ``proofs`` is the file that knows secrets."""

    def __init__(self, application: web.Application, proofs: Path) -> None:
        self._application, self._proofs = application, proofs
        self._refusal = web.Application([(r".*", Refusal)])

    def find_handler(self, request: httputil.HTTPServerRequest, **kwargs: Any) -> httputil.HTTPMessageDelegate | None:
        """The application's handler, or the refusal."""
        shown = request.headers.get_list(HEADER)
        request.headers.pop(HEADER, None)  # no log and no program behind this door sees it
        known = len(shown) == 1 and self._knows(shown[0])
        return (self._application if known else self._refusal).find_handler(request, **kwargs)

    def _knows(self, secret: str) -> bool:
        try:
            proofs = self._proofs.read_text("ascii").split()
        except OSError:
            return False
        shown = sha256(secret.encode()).hexdigest()
        return sum(hmac.compare_digest(shown, proof) for proof in proofs) > 0
