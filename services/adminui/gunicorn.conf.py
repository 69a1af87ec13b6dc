"""How gunicorn runs the adminui."""

from __future__ import annotations

from asci_shared.web import serving

wsgi_app = "asci_adminui.wsgi:app"
bind = "0.0.0.0:8030"
globals().update(serving.settings("adminui"))
