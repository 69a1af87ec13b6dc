"""Composition: everything the pages for administrators are made of is built here, in order."""

from __future__ import annotations

from flask import Flask, Response, send_from_directory

from asci_adminui import (
    VERSION,
    appearance,
    audit,
    concerns,
    desk,
    environments,
    node_actions,
    nodes,
    overview,
    people,
    scheduler,
    sessions,
    words,
)
from asci_adminui.settings import Settings
from asci_shared.api.client import ApiServer
from asci_shared.web import error_views, health, template_words
from asci_shared.web.gate import Gate
from asci_shared.web.page_metrics import PageMetrics
from asci_shared.web.static_files import StaticFiles

MAX_FORM = 256 * 1024
METRICS = PageMetrics("asci_adminui")
PAGES = (health, overview, concerns, nodes, node_actions, sessions, scheduler, environments, people, audit, appearance)


def create_app(settings: Settings, server: ApiServer | None = None) -> Flask:
    """The adminui as a WSGI app; ``server`` is the API that it asks, by default the one of the settings."""
    app = Flask("asci_adminui", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM
    app.jinja_env.auto_reload = settings.development
    gate = Gate(server or ApiServer(settings.api_url), settings.public_url, settings.form_key)
    static = StaticFiles(settings.static_folder)
    METRICS.install(app)
    gate.install(app)
    desk.install(app, gate)
    error_views.install(app)
    template_words.install(app, gate, static, settings.facility, VERSION)
    words.install(app)
    for pages in PAGES:
        app.register_blueprint(pages.pages)
    if settings.development:
        _serve_static(app, static)
    return app


def _serve_static(app: Flask, static: StaticFiles) -> None:
    """What the edge does otherwise."""

    @app.get("/static/<name>")
    def static_file(name: str) -> Response:
        return send_from_directory(static.folder, name, max_age=31536000)
