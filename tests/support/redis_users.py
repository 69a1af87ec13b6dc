"""The Redis users of an installation, with its own rights and passwords that tests know."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
USERS = ("api", "controller", "proxy", "operator")


def password(user: str) -> str:
    return f"password-of-{user}"


def rights() -> str:
    """The text of an ACL file, made from the installation's template as ``scripts/state`` makes it."""
    lines = (ROOT / "services/redis/users.acl.in").read_text().splitlines()
    text = "\n".join(line for line in lines if line.startswith("user ")) + "\n"
    for user in USERS:
        text = text.replace("{" + user + "}", "#" + sha256(password(user).encode()).hexdigest())
    return text
