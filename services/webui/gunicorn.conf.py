"""How gunicorn runs the webui."""

from __future__ import annotations

from asci_shared.web import serving

wsgi_app = "asci_webui.wsgi:app"
bind = "0.0.0.0:8020"
globals().update(serving.settings("webui"))
