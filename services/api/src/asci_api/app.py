"""The Flask application. Everything it uses is handed over; it makes no connection by itself."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from asci_api.domain.ports import Pulse
from asci_api.http.call import Site
from asci_api.http.dispatch import Dispatch
from asci_api.http.docs import docs
from asci_api.http.health import health
from asci_api.http.peers import TrustedPeers
from asci_api.http.reading import MOST_BYTES
from asci_api.http.routes import OPERATIONS, rule_of
from asci_api.work.front_desk import FrontDesk


@dataclass(frozen=True, slots=True)
class Deps:
    """What the application is made of."""

    desk: FrontDesk
    site: Site
    peers: TrustedPeers
    pulse: Pulse


def create_app(deps: Deps) -> Flask:
    """The WSGI application: the API below ``/api/v1``, health and metrics beside it."""
    app = Flask("asci_api", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    dispatch = Dispatch(deps.desk, deps.site, deps.peers)
    dispatch.install(app)
    for operation in OPERATIONS:
        app.add_url_rule(
            rule_of(operation),
            operation.name,
            dispatch.view(operation),
            methods=[operation.method],
            provide_automatic_options=False,
        )
    app.register_blueprint(docs())
    app.register_blueprint(health(deps.pulse))
    return app
