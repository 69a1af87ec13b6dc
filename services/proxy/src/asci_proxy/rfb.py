"""RFB security (RFC 6143, sections 7.1 and 7.2) as server to the browser and as client to the desktop.

Only the conversation: bytes come and go through a :class:`Channel`; nobody here knows sockets, frames or ASCI.
Version 3.8 and VncAuth alone are spoken.
"""

from __future__ import annotations

import hmac
import os
from typing import Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

VERSION = b"RFB 003.008\n"
_VNC_AUTH = 2
_OK, _FAILED = (0).to_bytes(4, "big"), (1).to_bytes(4, "big")
_CHALLENGE_BYTES = 16
_MOST_REASON_BYTES = 1024
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Channel(Protocol):
    """A byte stream."""

    async def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes. Raises EOFError when the peer ended before."""

    async def write(self, data: bytes) -> None:
        """Send all of ``data``."""


class RfbError(Exception):
    """The peer does not speak as expected. The text is for the log and the close reason, and holds no secret."""


class WrongPassword(RfbError):
    """The browser's answer to the challenge does not fit."""


class SecretRefused(RfbError):
    """The desktop does not take our answer: its password file holds another secret."""


def answer_to(challenge: bytes, password: str) -> bytes:
    """What a client answers to the 16-byte ``challenge``: DES under the password, each key byte's bits reversed."""
    key = password.encode("latin-1")[:8].ljust(8, b"\0").translate(_REVERSED)
    # Single DES is three-key DES with three equal keys; VncAuth fixes algorithm and mode
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(challenge) + encryptor.finalize()


async def greet_viewer(viewer: Channel, password: str) -> None:
    """As server: version, VncAuth, one attempt. Returns when the answer was right, *before* the result is sent.

    The result follows with :func:`admit_viewer`. Raises RfbError, WrongPassword (the viewer was told), EOFError.
    """
    await viewer.write(VERSION)
    version = await viewer.read(12)
    if version != VERSION:
        raise RfbError("the viewer does not speak RFB 3.8")
    await viewer.write(bytes((1, _VNC_AUTH)))
    choice = await viewer.read(1)
    if choice[0] != _VNC_AUTH:
        raise RfbError("the viewer did not choose VncAuth")
    challenge = os.urandom(_CHALLENGE_BYTES)
    await viewer.write(challenge)
    answer = await viewer.read(_CHALLENGE_BYTES)
    if not hmac.compare_digest(answer, answer_to(challenge, password)):
        reason = b"The one-time password does not fit this connection."
        await viewer.write(_FAILED + len(reason).to_bytes(4, "big") + reason)
        raise WrongPassword("the one-time password does not fit")


async def admit_viewer(viewer: Channel) -> None:
    """Send the viewer SecurityResult 0 and take its ClientInit (whose shared flag is always taken as set)."""
    await viewer.write(_OK)
    await viewer.read(1)


async def enter_desktop(desktop: Channel, secret: str) -> None:
    """As client: version, VncAuth with ``secret``, and ClientInit with the shared flag set; ServerInit comes next.

    Raises RfbError, SecretRefused, EOFError.
    """
    banner = await desktop.read(12)
    if not banner.startswith(b"RFB 003.") or banner < VERSION:
        raise RfbError("the desktop does not speak RFB 3.8")
    await desktop.write(VERSION)
    await _choose_vnc_auth(desktop)
    await desktop.write(answer_to(await desktop.read(_CHALLENGE_BYTES), secret))
    if await desktop.read(4) != _OK:
        raise SecretRefused(f"the desktop refused its secret: {await _reason(desktop)}")
    await desktop.write(b"\x01")


async def _choose_vnc_auth(desktop: Channel) -> None:
    count = (await desktop.read(1))[0]
    if count == 0:
        raise RfbError(f"the desktop refused to talk: {await _reason(desktop)}")
    if _VNC_AUTH not in await desktop.read(count):
        raise RfbError("the desktop does not offer VncAuth")
    await desktop.write(bytes((_VNC_AUTH,)))


async def _reason(desktop: Channel) -> str:
    length = int.from_bytes(await desktop.read(4), "big")
    text = await desktop.read(min(length, _MOST_REASON_BYTES))
    return "".join(letter if letter.isprintable() else " " for letter in text.decode("latin-1")).strip()
