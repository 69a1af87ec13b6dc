"""Composition: everything the portal is made of is built here, in order."""

from __future__ import annotations

from flask import Flask

from asci_shared.api.client import ApiServer
from asci_shared.web import error_views, health
from asci_shared.web.gate import Gate
from asci_shared.web.page_metrics import PageMetrics
from asci_shared.web.static_files import StaticFiles
from asci_webui import (
    account,
    development,
    home,
    plain_pages,
    portal,
    session_actions,
    session_page,
    sharing,
    signing_in,
    template_words,
)
from asci_webui.portal import Portal
from asci_webui.settings import Settings

MAX_FORM = 64 * 1024
METRICS = PageMetrics("asci_webui")


def create_app(settings: Settings, server: ApiServer | None = None) -> Flask:
    """The portal as a WSGI app; ``server`` is the API that it asks, by default the one of the settings."""
    app = Flask("asci_webui", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM
    app.jinja_env.auto_reload = settings.development
    gate = Gate(server or ApiServer(settings.api_url), settings.public_url, settings.form_key)
    static = StaticFiles(settings.static_folder)
    portal.carry(app.extensions, Portal(settings, gate, static))
    METRICS.install(app)
    gate.install(app)
    error_views.install(app)
    template_words.install(app, settings, gate, static)
    for pages in (health, signing_in, home, session_page, session_actions, sharing, account, plain_pages):
        app.register_blueprint(pages.pages)
    if settings.development:
        development.install(app, static)
    return app
