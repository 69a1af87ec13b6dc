"""One node's observer: a look every period, at once after an engine's event, and what follows from it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from asci_api.domain.errors import EngineFault, Fenced, NotFound, Unavailable
from asci_api.domain.identity import NodeName
from asci_api.work.desk import Desk
from asci_api.work.measure_load import LoadMeter
from asci_api.work.observe_node import PERIOD, Look, observe_node
from asci_shared.logging import get_logger

SILENT_PERIOD = 1.0
"""Seconds between two looks at a node that does not answer."""
LEAST_PAUSE = 0.1
"""Seconds between two looks that events ask for: a burst of events is one look."""
OWN_DOING = frozenset({"start"})
"""What instances do only when ASCI makes them: no news, and a desktop that starts needs the processor itself."""
_log = get_logger(__name__)


class Observer:
    """Looks at one node until stopped; hands every look to ``tell``. Events only hurry it."""

    def __init__(self, desk: Desk, node: NodeName, tell: Callable[[Look], None], on_fenced: Callable[[], None]) -> None:
        self._desk = desk
        self._node = node
        self._tell = tell
        self._on_fenced = on_fenced
        self._hurry = threading.Event()
        self._over = threading.Event()
        self._look: Look | None = None
        self._meter = LoadMeter(desk.clock)

    def start(self) -> None:
        threading.Thread(target=self._watch, name=f"look-{self._node}", daemon=True).start()
        threading.Thread(target=self._listen, name=f"events-{self._node}", daemon=True).start()

    def stop(self) -> None:
        self._over.set()
        self._hurry.set()

    def hurry(self) -> None:
        """Look again now."""
        self._hurry.set()

    def _watch(self) -> None:
        while not self._over.is_set():
            self._hurry.clear()
            self._once()
            if not self._hurry.wait(self._pause()):
                continue
            self._over.wait(LEAST_PAUSE)

    def _pause(self) -> float:
        """Seconds until the next look; hardly any after the first silence, which may have been a slow call."""
        look = self._look
        if look is None or look.failures > 1:
            return SILENT_PERIOD
        return LEAST_PAUSE if look.failures else PERIOD

    def _once(self) -> None:
        try:
            self._look = observe_node(self._desk, self._node, self._look, self._meter)
            self._tell(self._look)
        except Fenced:
            self._on_fenced()
        except Unavailable as away:
            _log.warning("observer.put_off", node=self._node, cause=away.title)
        except NotFound:
            pass  # it was taken off the registrations a moment ago: the surveyor stops this observer
        except EngineFault as fault:
            _log.warning("observer.put_off", node=self._node, cause=fault.title, detail=fault.detail)
        except Exception:  # noqa: BLE001 -- top of a thread: the next look may work
            _log.exception("observer.broke", node=self._node)

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                events = self._desk.engines.get(self._node).events()
                self._hurry.set()  # what happened between two streams is not told
                for event in events:
                    if event.action not in OWN_DOING:
                        self._hurry.set()
                    if self._over.is_set():
                        return
            except (EngineFault, NotFound, Unavailable):
                pass  # the observer's own look says so, once
            except Exception:  # noqa: BLE001 -- top of a thread
                _log.exception("events.broke", node=self._node)
            self._over.wait(1.0)
