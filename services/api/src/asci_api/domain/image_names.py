"""Which image names may be fetched.

A name without a registry's host means the engine's default, a public registry where anybody may own it: whoever does
would choose what runs beside people's homes.
"""

from __future__ import annotations


def fetchable(reference: str) -> bool:
    """Whether a reference is fixed by its digest, or names the registry it comes from (``host/…``, as in the
    distribution project's reference grammar: the first part holds a dot or a colon, or is ``localhost``)."""
    host, slash, _ = reference.partition("/")
    return "@sha256:" in reference or (bool(slash) and ("." in host or ":" in host or host == "localhost"))
