"""What every page of the portal has at hand, built once and carried by the app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from asci_shared.api.client import Api
from asci_shared.web.gate import Gate
from asci_shared.web.static_files import StaticFiles
from asci_webui.settings import Settings

_NAME = "asci_portal"


@dataclass(frozen=True, slots=True)
class Portal:
    """Settings, the gate and the static files of this app."""

    settings: Settings
    gate: Gate
    static: StaticFiles


def carry(extensions: dict[str, object], portal: Portal) -> None:
    """Give the app its portal."""
    extensions[_NAME] = portal


def portal() -> Portal:
    """The portal of the app that answers."""
    return cast(Portal, current_app.extensions[_NAME])


def api() -> Api:
    """The API as the person who asks. Raises SignedOut without a sign-in."""
    return portal().gate.api()
