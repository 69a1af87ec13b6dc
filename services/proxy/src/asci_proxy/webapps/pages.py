"""What the proxy itself answers on an application's host: a plain page for people, problem details for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from aiohttp import web

from asci_proxy.tickets import Refused
from asci_proxy.webapps import headers
from asci_shared import request_id
from asci_shared.close_codes import CloseCode
from asci_shared.problem import CONTENT_TYPE, Problem

_STATUS = {
    CloseCode.RESTARTING: 503,
    CloseCode.TRY_LATER: 503,
    CloseCode.TICKET: 410,
    CloseCode.SIGNED_OUT: 401,
    CloseCode.REVOKED: 403,
    CloseCode.ENDED: 410,
    CloseCode.PUT_OUT: 403,
    CloseCode.TOO_MANY: 429,
    CloseCode.UPSTREAM: 502,
}
_TITLES = {
    401: "You are not in this session.",
    403: "This session is not open to you any more.",
    410: "This is over.",
    429: "That was too much at once.",
    503: "ASCI is restarting.",
}
_RETRY_AFTER = {429: "2", 503: "3"}
_NEXT_STEPS = {429: "Wait a few seconds, then try again.", 503: "Try again in a few seconds."}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title} · ASCI</title>
  <style>
    :root {{ color-scheme: light dark; --canvas: light-dark(#f4f6f8, #0d1217); --surface: light-dark(#fff, #151b22);
      --ink: light-dark(#141d27, #e9eef3); --ink-2: light-dark(#45525f, #b4bfca); --line: light-dark(#dde2e9, #29323c);
      --accent: light-dark(#1f4fc4, #8fb3ff); --on-accent: light-dark(#fff, #0a1631) }}
    * {{ box-sizing: border-box }}
    body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px; background: var(--canvas);
      color: var(--ink); font: 15px/1.5 "Inter", ui-sans-serif, system-ui, sans-serif }}
    main {{ width: 100%; max-width: 440px; padding: 32px; background: var(--surface); border: 1px solid var(--line);
      border-radius: 14px }}
    h1 {{ margin: 0 0 12px; font-size: 22px; line-height: 1.2; letter-spacing: -.02em; font-weight: 620 }}
    p {{ margin: 0 0 12px; color: var(--ink-2) }}
    a {{ display: inline-block; margin: 12px 0; padding: 8px 16px; border-radius: 6px; background: var(--accent);
      color: var(--on-accent); font-weight: 560; text-decoration: none }}
    a:focus-visible {{ outline: 2px solid var(--accent); outline-offset: 2px }}
    small {{ display: block; font-size: 13px; color: var(--ink-2); overflow-wrap: anywhere }}
  </style>
</head>
<body>
  <main>
    <h1>{title}</h1>
    <p>{detail}</p>
    <p>{next_step}</p>
    <a href="{link}">To the session in the portal</a>
    <small>Request {request_id}</small>
  </main>
</body>
</html>
"""


class Pages:
    """Makes the answers; links lead to ``portal``, the portal's origin."""

    def __init__(self, portal: str) -> None:
        self._portal = portal

    def refusal(self, refused: Refused) -> Problem:
        """What a refusal is in HTTP."""
        status = _STATUS.get(CloseCode(refused.code), 403)
        next_step = _NEXT_STEPS.get(status, "Open it from the portal.")
        return Problem(status, refused.slug, _TITLES.get(status, refused.sentence), refused.sentence, next_step)

    def answer(
        self, request: web.Request, problem: Problem, instance: str, fields: Mapping[str, str] | None = None
    ) -> web.Response:
        """The response; ``fields`` are further header fields."""
        response = self._page(problem, instance) if headers.wants_page(request.headers) else _document(problem)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers[request_id.HEADER] = request_id.current()
        if problem.status in _RETRY_AFTER:
            response.headers["Retry-After"] = _RETRY_AFTER[problem.status]
        if problem.status == 401:  # RFC 9110, section 15.5.2; a scheme that makes no browser ask for a password
            response.headers["WWW-Authenticate"] = f'ASCI realm="{instance}"'
        response.headers.update(fields or {})
        return response

    def _page(self, problem: Problem, instance: str) -> web.Response:
        words = {
            "title": problem.title,
            "detail": problem.detail if problem.detail != problem.title else "",
            "next_step": problem.next_step,
            "link": f"{self._portal}/s/{instance}" if instance else f"{self._portal}/",
            "request_id": request_id.current(),
        }
        text = _PAGE.format_map({name: escape(word) for name, word in words.items()})
        response = web.Response(status=problem.status, text=text, content_type="text/html")
        response.headers["Content-Security-Policy"] = _POLICY
        return response


def _document(problem: Problem) -> web.Response:
    text = json.dumps(problem.document(request_id.current()))
    return web.Response(status=problem.status, text=text, content_type=CONTENT_TYPE)


def unreachable(hop: str, sentence: str, status: int = 502) -> Problem:
    """The application did not answer; ``hop`` is ``node`` or ``application``."""
    return Problem(
        status,
        f"application-{hop}",
        "The application does not answer." if status == 504 else "The application cannot be reached.",
        f"{hop}: {sentence}",
        "Try again in a moment. If it stays like this, look at the session's log in the portal.",
    )
