"""gunicorn's entry: ``asci_webui.wsgi:app``."""

from __future__ import annotations

from asci_webui.app import create_app
from asci_webui.settings import load

app = create_app(load())
