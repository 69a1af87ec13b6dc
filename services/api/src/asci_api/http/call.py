"""What a handler gets and gives: a parsed request, an answer without web framework in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from asci_api.domain.identity import Caller
from asci_api.work.front_desk import FrontDesk
from asci_api.work.sign_in import signed_out
from asci_shared.apps import DEFAULT_DOMAIN, AppsOrigins
from asci_shared.redis_contract import TokenRecord

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Site:
    """What the way in must know of the installation."""

    public_url: str
    """The portal's origin; the only one whose pages may make unsafe calls by cookie."""
    apps_domain: str = DEFAULT_DOMAIN
    """Web applications open under ``<instance id>.<apps domain>``."""

    @property
    def apps(self) -> AppsOrigins:
        """The origins of web applications."""
        return AppsOrigins.beside(self.public_url, self.apps_domain)

    @property
    def secure(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def cookie(self) -> str:
        """The cookie that carries the token."""
        return "__Host-asci" if self.secure else "asci"


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose parts were checked against its operation's schemas."""

    desk: FrontDesk
    site: Site
    address: str
    """The person's own address."""
    request_id: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    signed: tuple[Caller, TokenRecord] | None = None
    by_cookie: bool = False

    @property
    def caller(self) -> Caller:
        """Who asks; operations that are open to everybody have none."""
        if self.signed is None:
            raise signed_out("unknown")
        return self.signed[0]

    @property
    def record(self) -> TokenRecord:
        """The sign-in behind the call."""
        if self.signed is None:
            raise signed_out("unknown")
        return self.signed[1]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. ``document`` None means no body."""

    document: Json | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterator[str] | None = None
    """Sent piece by piece in place of a document, as ``content_type``; its first piece is read before anything is."""
    content_type: str = "application/json"
    cookie: str | None = None
    """A token to keep in the browser; empty takes it away; None leaves cookies alone."""
