"""Only with ASCI_DEV=1: every component in every state on one page, and static files without an edge."""

from __future__ import annotations

from flask import Flask, Response, render_template, send_from_directory

from asci_shared.web.static_files import StaticFiles
from asci_webui import samples


def install(app: Flask, static: StaticFiles) -> None:
    """Add /styleguide and /static."""

    @app.get("/styleguide")
    def styleguide() -> str:
        return render_template(
            "styleguide.html", me=samples.ME, samples=samples.INSTANCES, environments=samples.CATALOGUE
        )

    @app.get("/static/<name>")
    def static_file(name: str) -> Response:
        return send_from_directory(static.folder, name, max_age=31536000)
