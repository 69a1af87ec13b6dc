"""The way to a desktop: dial it, and get in with its secret."""

from __future__ import annotations

import asyncio
import socket
from functools import lru_cache, partial

from asci_proxy import rfb, sockets
from asci_proxy.channels import SocketChannel, straight
from asci_proxy.connection import upstream_reason
from asci_proxy.store import Store, StoreAway
from asci_proxy.watching import Watcher
from asci_shared import passwords
from asci_shared.logging import get_logger
from asci_shared.redis_contract import Ticket

SECRET_PAUSES = (0.2, 0.4, 0.8)
"""Seconds between tries at a desktop that refuses its secret."""
_MOST_SECRETS = 1024
"""Of desktops that are kept at hand: people come back to the same ones, and the key is here anyway."""

_log = get_logger(__name__)


class Unreachable(Exception):
    """The desktop could not be entered. ``hop`` is ``node``, ``vnc`` or ``secret``; ``reason`` is for the page."""

    def __init__(self, hop: str, sentence: str) -> None:
        super().__init__(sentence)
        self.hop = hop
        self.reason = upstream_reason(hop, sentence)


class Desktops:
    """Enters desktops with the secrets that the key gives."""

    def __init__(self, key: bytes, dial_seconds: float, store: Store, watcher: Watcher) -> None:
        self._seconds, self._store, self._watcher = dial_seconds, store, watcher
        self._secret = lru_cache(maxsize=_MOST_SECRETS)(partial(passwords.desktop_secret, key))

    async def enter(self, ticket: Ticket) -> socket.socket:
        """A socket behind ClientInit, the desktop's ServerInit still to come. Raises Unreachable.

        A desktop that refuses its secret is given a moment: right after a control share was taken back, its password
        file is a fraction of a second behind the record.
        """
        for pause in SECRET_PAUSES:
            try:
                return await self._enter_once(ticket)
            except rfb.SecretRefused as error:
                if pause == SECRET_PAUSES[0]:
                    self._tell_refused(ticket, error)
                    await self._ask_for_secret(ticket.instance)
                await asyncio.sleep(pause)
        try:
            return await self._enter_once(ticket)
        except rfb.SecretRefused:
            raise Unreachable("secret", "The desktop refused the proxy; its password is being written again.") from None

    async def _enter_once(self, ticket: Ticket) -> socket.socket:
        sock = await self._dial(ticket)
        try:
            await self._authenticate(sock, ticket)
        except BaseException:
            self._watcher.forget(sock.fileno())
            sock.close()
            raise
        return sock

    async def _dial(self, ticket: Ticket) -> socket.socket:
        try:
            async with asyncio.timeout(self._seconds):
                return await sockets.dial(self._watcher, ticket.address, ticket.port)
        except TimeoutError:
            raise Unreachable("node", f"The node did not answer within {self._seconds:g} s.") from None
        except OSError as error:
            _log.warning(
                "desktop.unreachable",
                instance=ticket.instance,
                address=ticket.address,
                port=ticket.port,
                error=str(error),
            )
            raise Unreachable("node", "The desktop's port on its node is closed.") from None

    async def _authenticate(self, sock: socket.socket, ticket: Ticket) -> None:
        secret = self._secret(ticket.instance, ticket.mode, ticket.generation)
        try:
            async with asyncio.timeout(self._seconds):
                channel = SocketChannel(self._watcher, sock)
                await straight(channel.ready, rfb.enter_desktop(channel, secret))
        except rfb.SecretRefused:
            raise
        except TimeoutError:
            raise Unreachable("vnc", f"The desktop's screen did not answer within {self._seconds:g} s.") from None
        except rfb.RfbError as error:
            _log.warning("desktop.refused", instance=ticket.instance, error=str(error))
            raise Unreachable("vnc", "The desktop's screen does not speak as expected.") from None
        except (EOFError, OSError):
            raise Unreachable("vnc", "The desktop's screen closed the connection.") from None

    def _tell_refused(self, ticket: Ticket, error: rfb.SecretRefused) -> None:
        _log.warning("desktop.secret_refused", instance=ticket.instance, generation=ticket.generation, error=str(error))

    async def _ask_for_secret(self, instance: str) -> None:
        """The controller writes the desktop's password file again."""
        try:
            await self._store.wake(f"secret:{instance}")
        except StoreAway as away:
            _log.warning("desktop.secret_not_asked", instance=instance, reason=str(away))
