"""What the portal's templates may say beyond :mod:`asci_shared.web.template_words`: states and the catalogue."""

from __future__ import annotations

from flask import Flask

from asci_shared.web import template_words
from asci_shared.web.gate import Gate
from asci_shared.web.static_files import StaticFiles
from asci_webui import VERSION
from asci_webui.settings import Settings
from asci_webui.words import catalogue, states


def install(app: Flask, settings: Settings, gate: Gate, static: StaticFiles) -> None:
    """Give the templates their words."""
    template_words.install(app, gate, static, settings.facility, VERSION)
    app.jinja_env.globals.update(administration=settings.administration, states=states, catalogue=catalogue)
