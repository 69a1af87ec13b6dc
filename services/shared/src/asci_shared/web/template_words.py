"""What every template of every service may say, and the components that they share.

Components lie in ``asci_shared/web/templates``; a service's own template of the same name comes first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, request
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader

from asci_shared.web import form_tokens
from asci_shared.web.gate import Gate
from asci_shared.web.static_files import StaticFiles
from asci_shared.web.words import numbers, people

_SHARED = Path(__file__).parent / "templates"


def install(app: Flask, gate: Gate, static: StaticFiles, facility: str, version: str) -> None:
    """Give the app's templates the shared components and their words."""
    own = app.jinja_loader
    loaders: list[BaseLoader] = [own] if own is not None else []
    app.jinja_loader = ChoiceLoader([*loaders, FileSystemLoader(_SHARED)])
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    icons = static.icons()
    app.jinja_env.globals.update(
        facility=facility,
        version=version,
        static=static.address,
        form_field=form_tokens.FIELD,
        form_token=gate.form_token,
        now=lambda: datetime.now(UTC),
        icon_or=lambda name, other: name if name in icons else other,
        people=people,
    )
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
