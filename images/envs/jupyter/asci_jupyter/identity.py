"""Who works in this JupyterLab: the session's owner. Whoever the proxy lets in acts in her name."""

from __future__ import annotations

import os

from jupyter_server.auth.identity import IdentityProvider, User
from tornado import web


class Owner(IdentityProvider):
    """No token, no password, no login page: requests come from ASCI's proxy alone, see :mod:`asci_jupyter.guard`."""

    token = ""

    @property
    def auth_enabled(self) -> bool:
        """Authentication is done before a request gets here."""
        return True

    @property
    def login_available(self) -> bool:
        """There is nothing to log in with."""
        return False

    @property
    def logout_available(self) -> bool:
        """People sign out of the portal."""
        return False

    def get_user(self, handler: web.RequestHandler) -> User:
        """The owner, by the names that the container was started with."""
        username = os.environ.get("ASCI_USER", "user")
        name = os.environ.get("ASCI_NAME", username)
        return User(username=username, name=name, display_name=name)
