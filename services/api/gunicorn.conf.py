"""How gunicorn runs the api."""

from __future__ import annotations

from asci_shared.web import serving

wsgi_app = "asci_api.wsgi:app"
bind = "0.0.0.0:8000"
globals().update(serving.settings("api"))
