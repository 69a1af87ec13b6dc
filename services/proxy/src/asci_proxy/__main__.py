"""``python -m asci_proxy``."""

from __future__ import annotations

import sys
from functools import partial

from asci_proxy import descriptors, settings, watching
from asci_proxy.app import Proxy
from asci_proxy.workers import Workers
from asci_shared import logging
from asci_shared.environ import Environ, SettingsError


def main() -> int:
    """Run the proxy; returns the exit status: 2 for wrong settings."""
    try:
        chosen = settings.read(Environ())
    except SettingsError as error:
        print(f"asci_proxy: {error}", file=sys.stderr)  # noqa: T201  (before there is a log)
        return 2
    logging.configure("proxy", chosen.log_format)
    descriptors.take_all()
    watching.run(partial(_run, chosen))
    return 0


async def _run(chosen: settings.Settings, watcher: watching.Watcher) -> None:
    if chosen.workers > 1 and not chosen.worker:
        await Workers(chosen).run()
    else:
        await Proxy(chosen, watcher).run()


if __name__ == "__main__":
    sys.exit(main())
