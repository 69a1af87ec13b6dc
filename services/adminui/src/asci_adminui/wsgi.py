"""gunicorn's entry: ``asci_adminui.wsgi:app``."""

from __future__ import annotations

from asci_adminui.app import create_app
from asci_adminui.settings import load

app = create_app(load())
