"""What every template may say: words of :mod:`asci_webui.words`, addresses of static files, the theme, form tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Flask, request

from asci_shared.web import form_tokens
from asci_shared.web.gate import Gate
from asci_shared.web.static_files import StaticFiles
from asci_webui import VERSION
from asci_webui.settings import Settings
from asci_webui.words import catalogue, numbers, people, states


def install(app: Flask, settings: Settings, gate: Gate, static: StaticFiles) -> None:
    """Give the templates their words."""
    icons = static.icons()
    app.jinja_env.globals.update(
        facility=settings.facility,
        version=VERSION,
        static=static.address,
        form_field=form_tokens.FIELD,
        form_token=gate.form_token,
        now=lambda: datetime.now(UTC),
        icon_or=lambda name, other: name if name in icons else other,
        administration=settings.administration,
    )
    app.jinja_env.globals.update({module.__name__.rsplit(".", 1)[-1]: module for module in (states, people, catalogue)})
    app.jinja_env.filters.update(
        duration=numbers.duration,
        seconds=numbers.short_seconds,
        size=numbers.size,
        counted=numbers.counted,
        utc=numbers.utc,
        clock=numbers.clock,
        short_ids=numbers.short_ids,
    )

    @app.context_processor
    def theme() -> dict[str, Any]:
        return {"theme": gate.cookies.theme(request)}
