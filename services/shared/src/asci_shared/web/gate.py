"""The way into a UI: who asks, with which request id, and whether the form is ours.

Installed once per app. For each request it binds the request id, refuses forms without a token of this portal, and puts
security headers on the answer. A dead sign-in leads to the sign-in page and back afterwards.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from flask import Flask, Request, Response, g, redirect, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from asci_shared import request_id
from asci_shared.api.client import Api, ApiServer
from asci_shared.api.errors import SignedOut
from asci_shared.web import form_tokens, security
from asci_shared.web.compression import press
from asci_shared.web.cookies import Cookies
from asci_shared.web.form_tokens import FormTokens
from asci_shared.web.safe_next import safe_next

_SAFE = {"GET", "HEAD", "OPTIONS"}
_ANYBODY = "anybody"
INLINE = "X-Inline"
"""Header of requests by our scripts, which want a part of a page."""


class Gate:
    """Cookies, form tokens and headers of one portal origin."""

    def __init__(self, server: ApiServer, origin: str, key: bytes, sign_in_path: str = "/sign-in") -> None:
        self._server = server
        self._origin = origin
        self._tokens = FormTokens(key)
        self._sign_in_path = sign_in_path
        self.cookies = Cookies(origin)

    def install(self, app: Flask) -> None:
        """Put the gate before every view of the app."""
        app.before_request(self._arrive)
        app.after_request(self._leave)
        app.register_error_handler(SignedOut, self._signed_out)

    # for views

    def api(self) -> Api:
        """The API as the person who asks. Raises SignedOut without a token."""
        token = self.cookies.token(request)
        if not token:
            raise SignedOut(401, "signed-out", "You are not signed in.", facts={"reason": "none"})
        return self.visitor_api(token)

    def visitor_api(self, token: str = "") -> Api:
        """The API, with or without a token. The address is the edge's word (it overwrites what browsers send)."""
        return self._server.caller(token, request.headers.get("X-Forwarded-For", request.remote_addr or ""))

    def form_token(self) -> str:
        """A token for the forms of the page being made (one for all of them)."""
        if "form_token" not in g:
            g.form_token = self._tokens.make(self._holder(request))
        return str(g.form_token)

    def welcome(self, response: Response, token: str, until: datetime) -> None:
        """Sign this browser in; its forms carry tokens of its own from now on."""
        self.cookies.keep_token(response, token, until)
        if not self.cookies.visitor(request):
            self.cookies.keep_visitor(response, self.cookies.new_visitor())

    def allow(self, policy: security.PagePolicy) -> None:
        """Let the page being made load more than usual."""
        g.page_policy = policy

    # around views

    def _arrive(self) -> None:
        request_id.bind(request_id.accept(request.headers.get(request_id.HEADER)))
        if request.method not in _SAFE:
            self._check_form()

    def _check_form(self) -> None:
        if request.headers.get("Origin", "").lower() != self._origin:
            raise BadRequest("a form from another site")
        if not self._tokens.fits(request.form.get(form_tokens.FIELD, ""), self._holder(request)):
            raise BadRequest("a form without our token")

    def _leave(self, response: Response) -> Response:
        for name, value in security.headers(g.get("page_policy", security.PagePolicy())).items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-cache")
        response.headers[request_id.HEADER] = request_id.current()
        return press(request, response)

    def _signed_out(self, error: SignedOut) -> BaseResponse:
        script = request.headers.get(INLINE) or request.headers.get("HX-Request")
        here = request.headers.get("X-Page", "") if script else request.full_path.rstrip("?")
        facts = {"next": safe_next(here), "reason": error.reason}
        wanted = {name: value for name, value in facts.items() if value not in {"/", "none", "unknown"}}
        target = f"{self._sign_in_path}?{urlencode(wanted)}" if wanted else self._sign_in_path
        response: BaseResponse = redirect(target, 303)
        if script:
            response = Response(status=401, headers={"HX-Redirect": target})
        self.cookies.drop_token(response)  # type: ignore[arg-type]
        return response

    def _holder(self, asked: Request) -> str:
        """Whom a token is for: this browser. The sign-in form is for anybody, so that it works in whichever of many
        tabs it stands, whatever the others did since; its Origin is checked like that of all forms."""
        if asked.path == self._sign_in_path:
            return _ANYBODY
        return self.cookies.visitor(asked) or _ANYBODY
