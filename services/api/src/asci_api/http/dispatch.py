"""Each request's way in and out: who asks, what was sent, the verb, the answer, one line in the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Flask, Request, Response, g, request
from werkzeug.exceptions import HTTPException

from asci_api.domain.errors import AsciError
from asci_api.domain.identity import Caller
from asci_api.http import asked
from asci_api.http.answers import response_of
from asci_api.http.call import Call, Site
from asci_api.http.caller import check_cookie_wanted, check_origin, token_of
from asci_api.http.metrics import REQUESTS, SECONDS
from asci_api.http.operation import Operation
from asci_api.http.peers import TrustedPeers, own_address
from asci_api.http.problems import answer_domain, answer_http, answer_unexpected
from asci_api.http.reading import drain, read_body, read_path, read_query
from asci_api.work.front_desk import FrontDesk
from asci_api.work.sign_in import caller_of
from asci_shared import request_id
from asci_shared.logging import get_logger
from asci_shared.redis_contract import TokenRecord

_QUIET = ("/health/", "/metrics")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Makes Flask views of operations, and stands around every request."""

    desk: FrontDesk
    site: Site
    peers: TrustedPeers

    def install(self, app: Flask) -> None:
        """Put it around every request of the app."""
        app.before_request(self._arrive)
        app.after_request(self._leave)
        app.register_error_handler(AsciError, lambda error: answer_domain(error, request_id.current()))
        app.register_error_handler(HTTPException, self._refused)
        app.register_error_handler(Exception, self._unexpected)

    def view(self, operation: Operation) -> Callable[..., Response]:
        """The Flask view of an operation."""
        body = operation.body() if operation.body else None
        query = (operation.query or asked.NoQuery)()

        def answer(**path: str) -> Response:
            signed, by_cookie = self._caller(operation, request)
            call = Call(
                desk=self.desk,
                site=self.site,
                address=g.address,
                request_id=request_id.current(),
                path=read_path(path),
                query=read_query(request, query),
                body=read_body(request, body, may_be_empty=operation.may_be_empty) if body else {},
                headers={name: request.headers.get(name, "") for name in operation.headers},
                signed=signed,
                by_cookie=by_cookie,
            )
            return response_of(
                operation.handler(call),
                self.site,
                tagged=operation.tagged,
                if_none_match=request.headers.get("If-None-Match", ""),
                cookie_life=self.desk.session_life,
            )

        return answer

    def _caller(self, operation: Operation, asked: Request) -> tuple[tuple[Caller, TokenRecord] | None, bool]:
        if operation.open:
            check_cookie_wanted(asked, self.site)
            return None, False
        token, by_cookie = token_of(asked, self.site)
        signed = caller_of(self.desk, token, g.address, request_id.current())
        g.user = signed[0].person.username
        if by_cookie:
            check_origin(asked, self.site)
        return signed, by_cookie

    def _arrive(self) -> None:
        g.began = time.perf_counter()
        peer = request.remote_addr or ""
        trusted = self.peers.trusts(peer)
        request_id.bind(request_id.accept(request.headers.get(request_id.HEADER) if trusted else None))
        g.address = own_address(peer, request.headers.get("X-Forwarded-For", ""), trusted)

    def _leave(self, response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers[request_id.HEADER] = request_id.current()
        seconds = time.perf_counter() - g.began
        route = request.url_rule.rule if request.url_rule else "none"
        REQUESTS.labels(request.method, route, str(response.status_code)).inc()
        SECONDS.labels(route).observe(seconds)
        say = _log.debug if route.startswith(_QUIET) else _log.info
        say(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
            user=g.get("user", ""),
            address=g.address,
        )
        return response

    def _refused(self, error: HTTPException) -> Response:
        if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            drain(request)
        return answer_http(error, request_id.current())

    def _unexpected(self, _error: Exception) -> Response:
        _log.exception("request.failed", method=request.method, route=request.url_rule and request.url_rule.rule)
        return answer_unexpected(request_id.current())
