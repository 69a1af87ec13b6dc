"""What gunicorn loads, once, before it forks its workers. No connection is made yet."""

from __future__ import annotations

import sys

from flask import Flask

from asci_api.app import Deps, create_app
from asci_api.http.call import Site
from asci_api.http.peers import TrustedPeers
from asci_api.settings import Settings
from asci_api.wiring import build, front_desk
from asci_shared.environ import SettingsError


def application(settings: Settings) -> Flask:
    """The application of these settings."""
    adapters = build(settings)
    adapters.directory.warm()
    return create_app(
        Deps(
            desk=front_desk(settings, adapters),
            site=Site(settings.public_url, settings.apps_domain),
            peers=TrustedPeers(settings.trusted_peers),
            pulse=adapters.store.pulse,
        )
    )


try:
    app = application(Settings.read())
except SettingsError as error:
    sys.exit(f"api: {error}")
